import FoundationEssentials
import Tasq
import TasqHTTP
import TasqPostgres
import TasqRedis
import Yams

extension Configuration {
    /// Which secrets a command is going to use; only those are looked up.
    struct Needs: OptionSet, Sendable {
        let rawValue: Int
        static let database = Needs(rawValue: 1)
        static let redis = Needs(rawValue: 2)
        static let sources = Needs(rawValue: 4)
        static let handlers = Needs(rawValue: 8)
        /// Tokens and certificates of the admin listener, and of a worker's if it has one.
        static let admin = Needs(rawValue: 16)
        static let all: Needs = [.database, .redis, .sources, .handlers, .admin]
    }

    /// The file that is read when nobody names one, if it is there.
    static let defaultPath = "config/tasq.yaml"
    /// Bytes a configuration file may have.
    static let fileLimit = 1_048_576
    /// The most values of a file, counted as if every alias were written out.
    static let valueLimit = 100_000

    /// Merges flags, environment, file and defaults, in this order of precedence.
    ///
    /// `flags` are texts by key, as in `["worker.lease": "15s"]`; `"config"` names the file. With
    /// `source` the secrets of that source alone are looked up.
    /// Throws ``ConfigurationError`` with everything that is wrong.
    static func load(
        flags: [String: String], environment: [String: String], needs: Needs,
        source: String? = nil
    ) throws(ConfigurationError) -> Configuration {
        let problems = ProblemCollector()
        let resolver = SecretResolver(environment: environment, problems: problems)
        var configuration = Configuration()
        let named = flags["config"] ?? environment["TASQ_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let file = named ?? defaultPath
        let root = top(of: file, mustExist: named != nil, problems)
        let sections = Sections(root)
        for setting in Setting.all {
            let found = value(
                of: setting, flags: flags, environment: environment, sections: sections)
            guard let found else { continue }
            configuration.origins.scalars[setting.key] = ConfigurationOrigins.Scalar(
                kind: found.kind, place: found.place, text: found.text)
            setting.read(found, into: &configuration, needs: needs, resolver, problems)
        }
        if let section = sections.section("retention") {
            configuration.retention.readQueues(of: section)
            configuration.origins.leaves += section.leaves(below: "queues")
        }
        sections.finish()
        reportNearMisses(in: environment, problems)
        if let root {
            configuration.origins.file = file
            for name in ["sources", "handlers", "schedules", "flow_limits", "admin_tokens"] {
                configuration.origins.leaves += root.leaves(below: name)
            }
            configuration.readMappings(of: root, file: file, needs, resolver, only: source)
        }
        root?.finish()
        configuration.check(needs, problems)
        guard problems.problems.isEmpty else {
            throw ConfigurationError(problems: problems.problems)
        }
        return configuration
    }

    private static func top(
        of file: String, mustExist: Bool, _ problems: ProblemCollector
    ) -> ConfigurationMapping? {
        guard let data = FileManager.default.contents(atPath: file) else {
            if mustExist || FileManager.default.fileExists(atPath: file) {
                problems.report(file, "cannot be read: check the path and its permissions")
            }
            return nil
        }
        guard data.count <= fileLimit, let text = String(data: data, encoding: .utf8) else {
            problems.report(file, "must be UTF-8 text of at most \(fileLimit) bytes")
            return nil
        }
        if isWritableByAll(file) {
            // It names programs to run and whom to believe.
            problems.report(file, "can be written by everybody: chmod o-w it")
        }
        do {
            // An empty file is one that says nothing, not none.
            let node = try Yams.compose(yaml: text) ?? Node.mapping(Node.Mapping([]))
            var room = valueLimit
            guard node.fits(in: &room) else {
                problems.report(
                    file, "must hold at most \(valueLimit) values, those behind aliases included")
                return nil
            }
            return ConfigurationMapping(node, path: "", file: file, problems: problems)
        } catch {
            problems.report(place(of: error, in: file), "is not YAML: \(cause(of: error))")
            return nil
        }
    }

    private static func value(
        of setting: Setting, flags: [String: String], environment: [String: String],
        sections: Sections
    ) -> Found? {
        let inFile = sections.find(setting.key) ?? setting.olderKey.flatMap(sections.find)
        if let text = flags[setting.key] {
            return Found(text: text, place: setting.flag, kind: .flag)
        }
        for name in setting.environmentNames {
            if let text = environment[name] {
                return Found(text: text, place: name, kind: .environment)
            }
        }
        return inFile
    }

    /// A variable that nearly is one of ours is a slip of the pen; any other is somebody else's.
    private static func reportNearMisses(
        in environment: [String: String], _ problems: ProblemCollector
    ) {
        let known = Setting.all.flatMap(\.environmentNames) + ["TASQ_CONFIG"]
        let foreign = ["TASQ_BIN", "TASQ_ONLY", "TASQ_CLAIM"]
        for name in environment.keys.sorted()
        where name.hasPrefix("TASQ_") && !known.contains(name) && !foreign.contains(name) {
            guard let near = nearestName(to: name, among: known),
                editDistance(Array(name.utf8), Array(near.utf8)) <= 2
            else { continue }
            problems.report(name, "unknown variable; did you mean \(near)?")
        }
    }

    private mutating func readMappings(
        of root: ConfigurationMapping, file: String, _ needs: Needs, _ resolver: SecretResolver,
        only source: String?
    ) {
        var resolver = resolver
        resolver.file = file
        if let map = root.mapping("sources") {
            for name in map.keys {
                resolver.looksUp = needs.contains(.sources) && (source ?? name) == name
                if let source = SourceEntry(name: name, in: map, resolver) {
                    sources.append(source)
                }
            }
        }
        if let map = root.mapping("handlers") {
            resolver.looksUp = needs.contains(.handlers)
            for pattern in map.keys {
                if let handler = HandlerEntry(pattern: pattern, in: map, resolver) {
                    handlers.append(handler)
                }
            }
        }
        // One that is left empty says nothing; {} says that there are none.
        if let map = root.mapping("schedules") {
            schedules = map.keys.compactMap { ScheduleEntry(name: $0, in: map, handlers) }
        }
        if let map = root.mapping("flow_limits") {
            flowLimits = map.keys.compactMap { FlowLimit(queue: $0, in: map) }
        }
        if let map = root.mapping("admin_tokens") {
            resolver.looksUp = needs.contains(.admin)
            for item in map.list("operate") ?? [] {
                if let token = resolver(item.text, at: item.line) {
                    http.operateTokens.append(token)
                }
            }
            for item in map.list("read") ?? [] {
                if let token = resolver(item.text, at: item.line) { http.readTokens.append(token) }
            }
            map.finish()
        }
    }
}

extension Configuration.HTTPSection {
    /// The tokens ready to be compared with. Throws ``InvalidInput`` for one no client could send.
    func tokens() throws(InvalidInput) -> [AdminToken] {
        var tokens: [AdminToken] = []
        for token in operateTokens { tokens.append(try AdminToken(token, role: .operate)) }
        for token in readTokens { tokens.append(try AdminToken(token, role: .read)) }
        return tokens
    }
}

extension Setting {
    fileprivate func read(
        _ found: Found, into configuration: inout Configuration, needs: Configuration.Needs,
        _ resolver: SecretResolver, _ problems: ProblemCollector
    ) {
        do {
            if isSecret {
                // An empty URL means none; that is how Redis is switched off.
                guard !found.text.isEmpty else { return }
                guard needs.contains(need) else { return }
                let text = try SecretReference(found.text).text(in: resolver.environment)
                return try apply(text, &configuration)
            }
            try apply(found.text, &configuration)
        } catch {
            let named = isSecret ? "\(key): \(error.field) \(error.rule)" : "\(key) \(error.rule)"
            problems.report(found.place, named)
        }
    }

    private var need: Configuration.Needs {
        switch key {
        case "database_url": .database
        case "redis_url": .redis
        default: .admin
        }
    }
}

extension Node {
    /// Takes one from the room for each value here and below, and stops where it ends: aliases of
    /// aliases make a small file a tree without end.
    fileprivate func fits(in room: inout Int) -> Bool {
        room -= 1
        guard room >= 0 else { return false }
        switch self {
        case .scalar, .alias: return true
        case .sequence(let nodes): return nodes.allSatisfy { $0.fits(in: &room) }
        case .mapping(let pairs): return pairs.allSatisfy { $0.value.fits(in: &room) }
        }
    }
}

extension SecretReference {
    /// The text of a connection string or token: a literal may hold blanks, a reference may not
    /// be empty.
    fileprivate func text(in environment: [String: String]) throws(InvalidInput) -> String {
        if case .literal(let text) = self { return text }
        return try resolve(in: environment)
    }
}

private func place(of error: any Error, in file: String) -> String {
    switch error as? YamlError {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
        "\(file):\(mark.line)"
    case .duplicatedKeysInMapping(_, let context): "\(file):\(context.mark.line)"
    default: file
    }
}

private func cause(of error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, _, _), .parser(_, let problem, _, _),
        .composer(_, let problem, _, _):
        problem
    case .duplicatedKeysInMapping(let keys, _):
        "a key stands twice: " + keys.sorted().joined(separator: ", ")
    default: "it cannot be read"
    }
}
