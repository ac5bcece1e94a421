import Foundation
import TasqTesting
import Testing

/// What the README shows is what there is.
@Suite struct ReadmeTests {
    @Test func `The Swift program is the example's source, byte for byte`() throws {
        let example = try text(of: "Sources/ReceiptExample/main.swift")
        #expect(try blocks(of: ["swift"]).map { $0.map { $0 + "\n" }.joined() } == [example])
    }

    @Test func `The Swift program runs the job it puts in`() async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let program = try await ChildProcess.start(
            ChildProcess.built("ReceiptExample"),
            environment: [
                "DATABASE_URL": postgres.url(database: "postgres"), "REDIS_URL": redis.url,
            ])
        _ = try await program.waitForLine(containing: "sent the receipt for order 42")
        try await eventually("the job is settled") {
            try await postgres.execute(
                "SELECT string_agg(status::text, ',') FROM tasq.job WHERE kind = 'send-receipt'"
            ) == "success"
        }
        program.signal(SIGKILL)
        await redis.stop()
        await postgres.stop(.immediate)
    }

    @Test func `Every command line names a subcommand and options that exist`() async throws {
        let typed = try blocks(of: ["console"]).joined().filter { $0.hasPrefix("$ ") }
        let commands = try (blocks(of: ["sh"]).joined() + typed).flatMap(tasqCommands)
        #expect(!commands.isEmpty)
        for command in commands {
            let problem = try await problem(with: command)
            #expect(problem == nil, "tasq \(command.joined(separator: " "))")
        }
    }

    @Test(arguments: [["retry"], ["jobs"], ["jobs", "burn"], ["work", "--burn"], ["--burn"]])
    func `A command line that is none is noticed`(command: [String]) async throws {
        #expect(try await problem(with: command) != nil)
    }

    @Test func `Every linked file is there`() throws {
        let links = try text(of: "README.md").matches(of: /\]\(([^):#]+)\)/).map { String($0.1) }
        #expect(!links.isEmpty)
        for link in links {
            #expect(FileManager.default.fileExists(atPath: root + link), "\(link)")
        }
    }

    /// The arguments of each call of `tasq` in a line of shell, comments left out.
    private func tasqCommands(in line: String) -> [[String]] {
        let code = line.firstRange(of: "#").map { line[..<$0.lowerBound] } ?? line[...]
        return code.split(separator: "|").compactMap { part in
            let words = part.split(separator: " ").map(String.init)
            return words.firstIndex(of: "tasq").map { Array(words[($0 + 1)...]) }
        }
    }

    /// What is wrong with these arguments, by the help of the built program.
    private func problem(with arguments: [String]) async throws -> String? {
        var path: [String] = []
        var help = try await help(for: path)
        var subcommands = names(in: help)
        while !subcommands.isEmpty {
            guard path.count < arguments.count, subcommands.contains(arguments[path.count]) else {
                return "none of \(subcommands.joined(separator: ", "))"
            }
            path.append(arguments[path.count])
            help = try await self.help(for: path)
            subcommands = names(in: help)
        }
        let known = help.matches(of: /--[a-z-]+/).map { String($0.output) }
        let options = arguments.filter { $0.hasPrefix("--") }
        return options.first { !known.contains($0) }.map { "no option \($0)" }
    }

    private func help(for path: [String]) async throws -> String {
        let child = try await ChildProcess.start(
            ChildProcess.built("tasq"), path + ["--help"], directory: "/")
        #expect(try await child.wait() == .code(0))
        return child.standardOutput
    }

    /// The subcommands a help text lists: words indented by two under their heading.
    private func names(in help: String) -> [String] {
        help.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.dropFirst()
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
            .filter { $0 != "See" }
    }

    /// The lines of each fenced block of these languages.
    private func blocks(of languages: [String]) throws -> [[String]] {
        var blocks: [[String]] = []
        var block: [String]?
        for line in try text(of: "README.md").split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if let lines = block {
                let isOver = line == "```"
                if isOver { blocks.append(lines) }
                block = isOver ? nil : lines + [String(line)]
            } else if line.hasPrefix("```") {
                guard languages.contains(String(line.dropFirst(3))) else { continue }
                block = []
            }
        }
        return blocks
    }

    private func text(of path: String) throws -> String {
        try String(contentsOfFile: root + path, encoding: .utf8)
    }

    /// The repository, with a slash at its end.
    private let root = URL(filePath: #filePath, directoryHint: .notDirectory)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path()
}
