import Tasq
import TasqWebhooks

/// What the configuration says about the jobs of some kinds.
struct HandlerEntry: Sendable, Hashable {
    /// A kind, or its beginning with `*` at the end.
    var pattern: String
    var action: Action
    var timeout: Duration?
    var retry = RetryPolicy()
    var options = JobOptions()
    /// Where the key of a webhook's jobs stands, as in `body:/repository/full_name`.
    var key: Location?

    enum Action: Sendable, Hashable {
        case http(HTTP)
        case command(Command)
        case log
        case noop
        case sleep(Duration)
    }

    struct HTTP: Sendable, Hashable {
        var url: String
        /// Of one delivery; `nil`: ten seconds.
        var timeout: Duration?
        /// For how long the target may say "later" without an attempt counted; `nil`: a day.
        var putOff: Duration?
        /// Sign the deliveries the Standard Webhooks way, all of them each.
        var secrets: [String]
        /// Private addresses that may be reached all the same, as in `10.20.0.0/16`.
        var allow: [String]
        /// Sent with each delivery.
        var headers: [Payload.Header]
    }

    struct Command: Sendable, Hashable {
        /// The program and its arguments; no shell reads them.
        var words: [String]
        /// What the program sees besides the job's own variables and PATH.
        var environment: [String: String]
        var directory: String?
    }

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
    private static let actionNames = ["http", "command", "log", "noop", "sleep"]

    /// Reads one entry of `handlers`; reports what is wrong and gives `nil` when it is unusable.
    init?(pattern: String, in handlers: ConfigurationMapping, _ resolve: SecretResolver) {
        let named = "must name one of " + Self.actionNames.joined(separator: ", ")
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
        let given = Self.actionNames.filter(entry.has)
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
        guard let action = Self.action(given[0], of: entry, resolve) else { return nil }
        self.pattern = pattern
        self.action = action
    }

    private static func action(
        _ name: String, of entry: ConfigurationMapping, _ resolve: SecretResolver
    ) -> Action? {
        switch name {
        case "http": return http(of: entry, resolve).map(Action.http)
        case "command": return command(of: entry, resolve).map(Action.command)
        case "sleep":
            return entry.value("sleep") { text throws(InvalidInput) in
                try duration(text, in: .zero ... .seconds(86_400))
            }.map(Action.sleep)
        default:
            if let options = entry.mapping(name) { options.finish() }
            return name == "log" ? .log : .noop
        }
    }

    private static func http(
        of entry: ConfigurationMapping, _ resolve: SecretResolver
    ) -> HTTP? {
        guard let map = entry.mapping("http") else {
            entry.report("\(entry.path).http.url is missing")
            return nil
        }
        defer { map.finish() }
        let url = map.text("url")
        if url == nil { map.report("\(map.path).url is missing") }
        let timeout = map.value("timeout") { text throws(InvalidInput) in try duration(text) }
        let putOff = map.value("put_off") { text throws(InvalidInput) in try duration(text) }
        let signs = map.list("sign")
        if signs?.isEmpty == true { map.report("\(map.path).sign must name at least one secret") }
        let secrets = (signs ?? []).compactMap { resolve($0.text, at: $0.line) }
        let allow = (map.list("allow") ?? []).map(\.text)
        let headers = map.mapping("headers").map { variables(of: $0, resolve) } ?? [:]
        guard let url else { return nil }
        let http = HTTP(
            url: url, timeout: timeout, putOff: putOff, secrets: secrets, allow: allow,
            headers: headers.sorted { $0.key < $1.key }.map {
                Payload.Header(name: $0.key, value: $0.value)
            })
        // A secret that is not looked up now cannot be judged now.
        guard resolve.looksUp else { return http }
        do {
            _ = try http.target(field: entry.path)
        } catch {
            map.report(error.description)
        }
        return http
    }

    private static func command(
        of entry: ConfigurationMapping, _ resolve: SecretResolver
    ) -> Command? {
        let isMapping = entry.isMapping("command")
        let map = isMapping ? entry.mapping("command") : nil
        defer { map?.finish() }
        let words = (map?.list("argv") ?? (isMapping ? nil : entry.list("command"))) ?? []
        let directory = map?.text("directory")
        let environment = environment(of: map ?? entry, resolve)
        guard let program = words.first, !program.text.isEmpty else {
            entry.report(
                "\(entry.path).command must list the program and its arguments")
            return nil
        }
        guard !words.contains(where: { $0.text.utf8.contains(0) }) else {
            entry.report("command", "must not contain NUL")
            return nil
        }
        return Command(
            words: words.map(\.text), environment: environment, directory: directory)
    }

    /// Reads `env`: a mapping of names to values or secrets, or a list of names to pass on.
    private static func environment(
        of map: ConfigurationMapping, _ resolve: SecretResolver
    ) -> [String: String] {
        if map.isMapping("env") {
            guard let entries = map.mapping("env") else { return [:] }
            for name in entries.keys where !isVariable(name) {
                entries.report(name, "is not a variable a configuration may set")
            }
            return variables(of: entries, resolve)
        }
        var environment: [String: String] = [:]
        for item in map.list("env") ?? [] {
            if isVariable(item.text) {
                environment[item.text] = resolve.environment[item.text]
            } else {
                map.report("env", "names a variable a configuration may not set")
            }
        }
        return environment
    }

    /// Names with their values, each given as it is or as a secret.
    private static func variables(
        of map: ConfigurationMapping, _ resolve: SecretResolver
    ) -> [String: String] {
        var variables: [String: String] = [:]
        for name in map.keys {
            guard let item = map.list(name)?.first else { continue }
            switch SecretReference(item.text) {
            case .literal(let text): variables[name] = text
            case .environment, .file: variables[name] = resolve(item.text, at: item.line)
            }
        }
        return variables
    }

    private static func isVariable(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("TASQ_")
            && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "=") }
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
