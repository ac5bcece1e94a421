import Tasq

extension SomeJobOptions {
    /// Reads those that a mapping names; what is wrong is reported, and not said. The key is left out
    /// where it is the place of one in a webhook.
    init(reading map: ConfigurationMapping, keyIsPlace: Bool = true) {
        var said = SomeJobOptions()
        for option in JobOption.all where option != .key || !keyIsPlace {
            let more = map.value(option.rawValue) { text throws(InvalidInput) -> SomeJobOptions in
                var more = said
                try more.set(option, to: option.value(of: text))
                return more
            }
            said = more ?? said
        }
        self = said
    }
}

extension JobOption {
    /// Reads a value as people write it.
    func value(of text: String) throws(InvalidInput) -> Value {
        guard let range else { return .text(text) }
        return .number(try number(text, in: range))
    }
}
