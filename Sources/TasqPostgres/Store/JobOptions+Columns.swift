import Tasq

/// A job's options in SQL. A statement names them by parts, and gets them as parameters behind those
/// that it counts itself.
extension JobOption {
    /// A part that says of every option the same; `nil` where none has this name. A parameter is named
    /// like its option, as in `$queue`, until ``numbered(_:)``.
    static func part(_ name: String) -> String? {
        switch name {
        // Columns, of the table that is written and of a row.
        case "options": list { $0.rawValue }
        case "options_of": list { "@row.\($0.rawValue)" }
        // Columns that become those of a row.
        case "option_changes": list { "\($0.rawValue) = @row.\($0.rawValue)" }
        // A queue and a priority in the place of options, where no job is told of.
        case "options_place":
            list { $0 == .queue || $0 == .priority ? "@\($0.rawValue)" : "NULL" }
        // The parameters of one job, and as arguments by name.
        case "option_parameters": list { "$\($0.rawValue)::\($0.type)" }
        case "option_arguments": list { "\($0.rawValue) => $\($0.rawValue)::\($0.type)" }
        // The parameters of many jobs; then those of one of them, where what every job has may be the
        // same for all and stand there once.
        case "option_arrays": list { "$\($0.rawValue)::\($0.type)[]" }
        case "option_inputs":
            list { option -> String in
                let own = "@row.\(option.rawValue)"
                guard option.isRequired else { return own }
                let first = "($\(option.rawValue)::\(option.type)[])[1]"
                return "coalesce(\(own), \(first)) AS \(option.rawValue)"
            }
        default: nil
        }
    }

    /// The text with numbers for the parameters that have names.
    static func numbered(_ text: String) -> String {
        let numbers = text.split(separator: "$", omittingEmptySubsequences: false).dropFirst()
            .compactMap { rest in Int(rest.prefix { $0.isWholeNumber }) }
        let last = numbers.max() ?? 0
        var text = text
        for (place, option) in all.enumerated() {
            text = text.replacing("$\(option.rawValue)::", with: "$\(last + place + 1)::")
        }
        return text
    }

    private static func list(_ text: (JobOption) -> String) -> String {
        all.map(text).joined(separator: ", ")
    }

    private var type: String { range == nil ? "text" : "bigint" }
}

extension Parameters {
    /// Those of one job.
    mutating func append(_ options: JobOptions) {
        for option in JobOption.all {
            if option.range == nil {
                append(options.text(option))
            } else {
                append(options.number(option))
            }
        }
    }

    /// Those of many; each alone where all are equal, unless they are to be spelled out.
    mutating func append<Item>(
        optionsOf items: [Item], isSpelledOut: Bool = false, _ options: (Item) -> JobOptions
    ) {
        for option in JobOption.all {
            if option.range == nil {
                var texts = items.map { options($0).text(option) }
                if !isSpelledOut {
                    texts = option.isRequired ? texts.oneIfAlike : texts.noneIfNil()
                }
                append(texts)
            } else {
                var numbers = items.map { options($0).number(option) }
                if !isSpelledOut {
                    numbers = option.isRequired ? numbers.oneIfAlike : numbers.noneIfNil()
                }
                append(numbers)
            }
        }
    }
}

extension JobOptions {
    fileprivate func text(_ option: JobOption) -> String? {
        if case .text(let text)? = self[option] { text } else { nil }
    }

    fileprivate func number(_ option: JobOption) -> Int64? {
        if case .number(let number)? = self[option] { Int64(number) } else { nil }
    }
}

extension Row {
    /// The columns of `@options_of`.
    mutating func options() throws(StoreError) -> JobOptions {
        try JobOptions(queue: next(), priority: next(), maxAttempts: next(), key: next())
    }
}
