import Tasq

/// `command: […]`: runs a program; see ``CommandHandler``.
struct CommandAction: Hashable {
    /// The program and its arguments; no shell reads them.
    var words: [String]
    /// What the program sees besides the job's own variables and PATH.
    var environment: [String: String]
    var directory: String?
}

extension CommandAction: HandlerAction {
    static let name = "command"
    static let summary =
        "runs a program with the body on its standard input; exit 0 is success, 75 asks for "
        + "another attempt, 78 fails for good."

    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver) {
        let isMapping = entry.isMapping(Self.name)
        let map = isMapping ? entry.mapping(Self.name) : nil
        defer { map?.finish() }
        let words = (map?.list("argv") ?? (isMapping ? nil : entry.list(Self.name))) ?? []
        let directory = map?.text("directory")
        let environment = Self.environment(of: map ?? entry, resolve)
        guard let program = words.first, !program.text.isEmpty else {
            entry.report(
                "\(entry.path).command must list the program and its arguments")
            return nil
        }
        guard !words.contains(where: { $0.text.utf8.contains(0) }) else {
            entry.report(Self.name, "must not contain NUL")
            return nil
        }
        self.init(words: words.map(\.text), environment: environment, directory: directory)
    }

    func handler(at field: String, in set: inout HandlerSet) -> Handler {
        let command = CommandHandler(command: self, path: set.path, guardian: set.guardian)
        return Handler { context in try await command.run(context) }
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
            return resolve.variables(of: entries)
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

    private static func isVariable(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("TASQ_")
            && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "=") }
    }
}
