import Tasq

/// The members of one job's object, each still as it was written. `null` counts as absent,
/// except as a payload.
struct JobFields {
    private var values: [String: ArraySlice<UInt8>] = [:]

    init() {}

    /// The members of a body that is one object of no others than these; throws `InvalidInput`.
    init(_ body: [UInt8], allowing names: [String]) throws(InvalidInput) {
        let json = try JSONSlices(body, field: "body")
        guard let members = json.members(of: json.whole) else {
            throw InvalidInput(field: "body", "must be a JSON object")
        }
        for (name, value) in members {
            guard names.contains(name) else {
                throw InvalidInput(
                    field: "body", "must have no members but " + names.joined(separator: ", "))
            }
            try set(name, to: value)
        }
    }

    mutating func set(_ name: String, to value: ArraySlice<UInt8>) throws(InvalidInput) {
        guard values.updateValue(value, forKey: name) == nil else {
            throw InvalidInput(field: name, "must not be given twice")
        }
    }

    /// The bytes of a value, byte for byte.
    func raw(_ name: String) -> ArraySlice<UInt8>? {
        values[name]
    }

    func string(_ name: String) throws(InvalidInput) -> String? {
        guard let value = present(name) else { return nil }
        guard let text = JSONSlices.string(value) else {
            throw InvalidInput(field: name, "must be a string")
        }
        return text
    }

    func number(_ name: String) throws(InvalidInput) -> Int? {
        guard let value = present(name) else { return nil }
        let text = String(decoding: value, as: UTF8.self)
        // JSON knows one sort of number: 4.0 is as whole as 4.
        guard let number = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }) else {
            throw InvalidInput(field: name, "must be a whole number")
        }
        return number
    }

    /// `true` or `false`, which is also what counts when it is not given.
    func flag(_ name: String) throws(InvalidInput) -> Bool {
        switch present(name).map({ String(decoding: $0, as: UTF8.self) }) {
        case nil, "false": return false
        case "true": return true
        default: throw InvalidInput(field: name, "must be true or false")
        }
    }

    /// One of the words that a type has.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String
    ) throws(InvalidInput) -> Value? {
        guard let text = try string(name) else { return nil }
        let value: Value = try oneOf(text, field: name)
        return value
    }

    /// What the job's fields say of it, and of the rest what it gets otherwise.
    func options(or given: JobOptions) throws(InvalidInput) -> JobOptions {
        var options = SomeJobOptions()
        for option in JobOption.all {
            if option.range != nil {
                guard let number = try number(option.rawValue) else { continue }
                try options.set(option, to: .number(number))
            } else if let text = try string(option.rawValue) {
                try options.set(option, to: .text(text))
            }
        }
        return options.over(given)
    }

    /// When the job may start, from `run_at` or `delay`.
    func start() throws(InvalidInput) -> Start {
        let delay = try duration("delay")
        guard let text = try string("run_at") else { return delay.map(Start.after) ?? .now }
        guard delay == nil else {
            throw InvalidInput(field: "delay", "must not be given together with run_at")
        }
        guard let time = Timestamp(rfc3339: text) else {
            throw InvalidInput(
                field: "run_at", "must be a time in RFC 3339, as in 2026-11-23T19:20:00Z")
        }
        return .at(time)
    }

    /// Text such as `15s`, or a number of seconds.
    func duration(_ name: String) throws(InvalidInput) -> Duration? {
        guard let value = present(name) else { return nil }
        if let text = JSONSlices.string(value) {
            return try DurationText.parse(text, field: name)
        }
        guard let seconds = Double(String(decoding: value, as: UTF8.self)), seconds >= 0 else {
            throw InvalidInput(
                field: name, "must be seconds, or text such as 250ms, 15s, 5m, 6h or 7d")
        }
        // JobLimits.delay, about 3.2 thousand million seconds, is far below what Double holds.
        guard seconds <= JobLimits.delay / .seconds(1) else {
            throw InvalidInput(
                field: name, "must be at most \(DurationText.format(JobLimits.delay))")
        }
        return .seconds(seconds)
    }

    private func present(_ name: String) -> ArraySlice<UInt8>? {
        guard let value = values[name], !value.elementsEqual("null".utf8) else { return nil }
        return value
    }
}

/// The value that is written so. Throws `InvalidInput` naming the field and every value.
func oneOf<Value: RawRepresentable<String> & CaseIterable>(
    _ text: String, field: String
) throws(InvalidInput) -> Value {
    guard let value = Value(rawValue: text) else {
        throw InvalidInput(
            field: field,
            "must be one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
}
