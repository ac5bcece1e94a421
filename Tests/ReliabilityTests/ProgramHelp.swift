import TasqTesting
import Testing

/// What the built program says of itself.
enum ProgramHelp {
    /// The help of a command, as in `["jobs", "list"]`.
    static func text(of path: [String]) async throws -> String {
        let child = try await ChildProcess.start(
            ChildProcess.built("tasq"), path + ["--help"], directory: "/")
        #expect(try await child.wait() == .code(0))
        return child.standardOutput
    }

    /// The subcommands a help text lists: words indented by two under their heading.
    static func subcommands(in help: String) -> [String] {
        help.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.dropFirst()
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
            .filter { $0 != "See" }
    }

    /// Every command that does something, as in `jobs list`, with its help.
    static func commands(below path: [String] = []) async throws -> [(name: String, help: String)] {
        let help = try await text(of: path)
        let names = subcommands(in: help)
        guard !names.isEmpty else { return [(path.joined(separator: " "), help)] }
        var commands: [(String, String)] = []
        for name in names { commands += try await self.commands(below: path + [name]) }
        return commands
    }
}
