import Tasq

/// The parameters of a request's query.
///
/// A parameter that is unknown or given twice is refused: a filter that is silently ignored
/// shows, or later cancels, more than was asked for.
struct Query {
    private var values: [String: String] = [:]

    init(_ query: String?, allowing names: Set<String>) throws(Problem) {
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), names.contains(name) else {
                throw .malformed("the query has an unknown parameter")
            }
            guard let value = parts.count == 2 ? Self.decoded(parts[1]) : "" else {
                throw .invalid(
                    InvalidInput(field: name, "is not percent-encoded UTF-8 without NUL"))
            }
            // PostgreSQL has no text with one in it.
            guard !value.utf8.contains(0) else {
                throw .invalid(InvalidInput(field: name, "must not contain NUL"))
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalid(InvalidInput(field: name, "must not be given twice"))
            }
        }
    }

    /// All that was given, by name.
    var all: [(name: String, value: String)] {
        values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// The value of a parameter as `read` understands it; `nil` when it is not given.
    func value<Value>(
        _ name: String, _ read: (String) throws(InvalidInput) -> Value
    ) throws(Problem) -> Value? {
        guard let text = values[name] else { return nil }
        do throws(InvalidInput) {
            return try read(text)
        } catch {
            throw .invalid(error)
        }
    }

    func name(_ name: String) throws(Problem) -> Name? {
        try value(name) { text throws(InvalidInput) in try Name(text, field: name) }
    }

    /// A time in RFC 3339, a day, or how long ago; a `+` that was not encoded stands for itself.
    func time(_ name: String) throws(Problem) -> Timestamp? {
        try value(name) { text throws(InvalidInput) in
            let text = text.split(separator: " ", omittingEmptySubsequences: false)
                .joined(separator: "+")
            return try TimeText.parse(text, field: name)
        }
    }

    func status(_ name: String) throws(Problem) -> JobStatus? {
        try value(name) { text throws(InvalidInput) in
            guard let status = JobStatus(rawValue: text) else {
                throw InvalidInput(
                    field: name,
                    "must be one of " + JobStatus.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return status
        }
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        try value(name) { text throws(InvalidInput) in
            guard let number = Int(text), range.contains(number) else {
                throw InvalidInput(
                    field: name,
                    "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    func flag(_ name: String) throws(Problem) -> Bool? {
        try value(name) { text throws(InvalidInput) in
            guard let flag = Bool(text) else {
                throw InvalidInput(field: name, "must be true or false")
            }
            return flag
        }
    }

    /// A key of jobs, within the limits of one.
    func key(_ name: String) throws(Problem) -> String? {
        try value(name) { text throws(InvalidInput) in
            guard (1...JobLimits.keyBytes).contains(text.utf8.count) else {
                throw InvalidInput(field: name, "must be 1 to \(JobLimits.keyBytes) bytes")
            }
            return text
        }
    }

    /// Decodes `%41` and, in a query, `+`; `nil` when that does not give UTF-8, or gives a NUL,
    /// which no column of PostgreSQL's can hold.
    static func decoded(_ text: Substring, inPath: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where !inPath: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.first != UInt8(ascii: "+"),
                    let value = UInt8(Substring(digits), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}
