import Tasq
import TasqWebhooks

/// What the configuration says about the jobs of some kinds.
struct HandlerEntry: Sendable {
    /// A kind, or its beginning with `*` at the end.
    var pattern: String
    var action: any HandlerAction
    var timeout: Duration?
    var retry = RetryPolicy()
    var options = JobOptions()
    /// Where the key of a webhook's jobs stands, as in `body:/repository/full_name`.
    var key: Location?

    /// Whether the entry is about this kind.
    func matches(_ kind: Name) -> Bool {
        let kind = kind.description
        return pattern.hasSuffix("*") ? kind.hasPrefix(pattern.dropLast()) : kind == pattern
    }
}

extension [HandlerEntry] {
    /// The first entry about a kind.
    func entry(for kind: Name) -> HandlerEntry? { first { $0.matches(kind) } }

    /// What the jobs of a kind get when they are enqueued.
    func template(for kind: Name) -> JobTemplate {
        var template = JobTemplate(of: kind)
        guard let entry = entry(for: kind) else { return template }
        template.options = entry.options
        template.key = entry.key
        return template
    }
}

extension HandlerEntry {
    /// As in `handlers.github`.
    var field: String { "handlers.\(pattern)" }

    /// Reads one entry of `handlers`; reports what is wrong and gives `nil` when it is unusable.
    init?(pattern: String, in handlers: ConfigurationMapping, _ resolve: SecretResolver) {
        let named = "must name one of " + Self.actions.map { $0.name }.joined(separator: ", ")
        guard let entry = handlers.mapping(pattern) else {
            handlers.report(pattern, named)
            return nil
        }
        defer { entry.finish() }
        let stem = pattern.hasSuffix("*") ? String(pattern.dropLast()) : pattern
        if !stem.isEmpty || pattern.isEmpty {
            do {
                _ = try Name(stem)
            } catch {
                handlers.report(pattern, "is not a kind: \(error.rule), and * at the end")
            }
        }
        let given = Self.actions.filter { entry.has($0.name) }
        timeout = entry.value("timeout") { text throws(InvalidInput) in
            try duration(text, in: .milliseconds(1) ... .seconds(7 * 86_400))
        }
        options = SomeJobOptions(reading: entry).over(JobOptions())
        key = entry.value("key") { text throws(InvalidInput) in
            try Location(text, field: "key")
        }
        if let retry = entry.mapping("retry") { self.retry = RetryPolicy(reading: retry) }
        guard given.count == 1 else {
            entry.report("\(entry.path) \(given.isEmpty ? named : named + " only")")
            return nil
        }
        guard let action = given[0].init(reading: entry, resolve) else { return nil }
        self.pattern = pattern
        self.action = action
    }
}

extension RetryPolicy {
    /// Reads `base`, `factor`, `cap` and `jitter`; what is absent or wrong keeps its default.
    init(reading map: ConfigurationMapping) {
        defer { map.finish() }
        let plain = RetryPolicy()
        let base = map.value("base") { text throws(InvalidInput) in try duration(text) }
        let factor = map.value("factor") { text throws(InvalidInput) in
            try decimal(text, in: 1...1000)
        }
        let cap = map.value("cap") { text throws(InvalidInput) in try duration(text) }
        let jitter = map.value("jitter") { text throws(InvalidInput) in
            try decimal(text, in: 0...1)
        }
        self.init(
            base: base ?? plain.base, factor: factor ?? plain.factor, cap: cap ?? plain.cap,
            jitter: jitter ?? plain.jitter)
    }
}
