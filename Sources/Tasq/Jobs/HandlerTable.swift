import FoundationEssentials

/// Which handler runs a kind: the first pattern that matches, in the order given.
public struct HandlerTable: Sendable {
    private var entries: [(pattern: Pattern, handler: Handler)] = []

    /// A table without handlers.
    public init() {}

    /// The handlers of these job types, by their kinds.
    public init(_ jobs: [any Job.Type]) throws(InvalidInput) {
        for job in jobs { try add(job) }
    }

    /// Adds a handler for a kind, or for all kinds that begin with what stands before a final `*`.
    public mutating func add(_ pattern: String, _ handler: Handler) throws(InvalidInput) {
        entries.append((try Pattern(pattern), handler))
    }

    /// Adds the handler of a job type.
    public mutating func add<J: Job>(_ type: J.Type) throws(InvalidInput) {
        let handler = Handler(timeout: J.timeout, retry: J.retry) { context in
            let job: J
            do {
                job = try JSONDecoder().decode(J.self, from: Data(context.job.payload.body))
            } catch {
                throw Outcome.fail("the payload does not decode: \(summary(of: error))")
            }
            try await job.run(context)
        }
        try add(J.kind, handler)
    }

    /// The handler of a kind; `nil` when no pattern matches.
    public func handler(for kind: Name) -> Handler? {
        entries.first { $0.pattern.matches(kind.description) }?.handler
    }

    /// The kinds that have one, as SQL's LIKE reads them; see ``WorkerRecord/kinds``.
    package var kinds: [String] {
        let kinds = Set(entries.map { $0.pattern.like })
        return kinds.contains("%") ? ["%"] : kinds.sorted()
    }

    private struct Pattern {
        let text: String
        let isPrefix: Bool

        init(_ pattern: String) throws(InvalidInput) {
            isPrefix = pattern.hasSuffix("*")
            text = isPrefix ? String(pattern.dropLast()) : pattern
            if !(isPrefix && text.isEmpty) { _ = try Name(text, field: "kind") }
        }

        /// Of the characters a name may have, LIKE reads only `_` as another.
        var like: String { text.replacing("_", with: "\\_") + (isPrefix ? "%" : "") }

        func matches(_ kind: String) -> Bool {
            isPrefix ? kind.hasPrefix(text) : kind == text
        }
    }
}

/// What does not decode and where, without the value.
private func summary(of error: any Error) -> String {
    guard let error = error as? DecodingError else { return "not the expected shape" }
    let (problem, path): (String, [any CodingKey]) =
        switch error {
        case .keyNotFound(let key, let context):
            ("`\(key.stringValue)` is missing", context.codingPath)
        case .typeMismatch(let type, let context): ("not a \(type)", context.codingPath)
        case .valueNotFound(let type, let context):
            ("null where a \(type) belongs", context.codingPath)
        case .dataCorrupted(let context): ("not valid", context.codingPath)
        @unknown default: ("not the expected shape", [])
        }
    let place = path.map(\.stringValue).joined(separator: ".")
    return place.isEmpty ? problem : "\(problem) at \(place)"
}
