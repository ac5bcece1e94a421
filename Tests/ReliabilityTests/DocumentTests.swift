import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// What the README and the articles show is what there is.
@Suite(.medium) struct DocumentTests {
    @Test(arguments: Document.all)
    func `Every command line names a subcommand and options that exist`(
        document: Document
    ) async throws {
        let typed = try document.blocks(of: "console").joined().filter { $0.hasPrefix("$ ") }
        let lines = try document.blocks(of: "sh").joined() + typed + quoted(in: document.text())
        let commands = Set(lines.flatMap(tasqCommands))
        if document.path == Document.readme.path { #expect(!commands.isEmpty) }
        for command in commands {
            let problem = try await problem(with: command)
            #expect(problem == nil, "tasq \(command.joined(separator: " "))")
        }
    }

    @Test(arguments: [["retry"], ["jobs"], ["jobs", "burn"], ["work", "--burn"], ["--burn"]])
    func `A command line that is none is noticed`(command: [String]) async throws {
        #expect(try await problem(with: command) != nil)
    }

    @Test(arguments: Document.all)
    func `Every linked file is there`(document: Document) throws {
        let links = try document.text().matches(of: /\]\(([^):#]+)\)/).map { String($0.1) }
        if document.path == Document.readme.path { #expect(!links.isEmpty) }
        let folder = (document.path as NSString).deletingLastPathComponent
        for link in links {
            let places = [folder, folder + "/Resources"].map { Document.root + $0 + "/" + link }
            #expect(places.contains { FileManager.default.fileExists(atPath: $0) }, "\(link)")
        }
    }

    @Test func `Every Swift example of an article stands in a test, and every such test in one`()
        throws
    {
        let files = try Document.readme.files().filter { $0.path != "Package.swift" }
        let shown =
            try Document.articles.flatMap { try $0.blocks(of: "swift") }
            + files.map { Array($0.lines.drop(while: isAboveTheCode)) }
        let run = try examples()
        #expect(!shown.isEmpty)
        for block in shown where !run.contains(block) {
            Issue.record("not in a test:\n\(block.joined(separator: "\n"))")
        }
        for block in run where !shown.contains(block) {
            Issue.record("not in an article:\n\(block.joined(separator: "\n"))")
        }
    }

    @Test func `Every SQL example runs on the schema`() async throws {
        let blocks = try Document.all.flatMap { try $0.blocks(of: "sql") }
        #expect(blocks.count >= 2)
        try await TestDatabase.with(template: "documents", migrate: migrate) { database in
            try await database.execute("CREATE TABLE orders (id int)")
            for block in blocks { try await database.execute(block.joined(separator: "\n")) }
            let jobs = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(jobs == "\(blocks.count)")
        }
    }

    @Test(arguments: Document.all)
    func `Every configuration shown is a valid one`(document: Document) async throws {
        for block in try document.blocks(of: "yaml") {
            let folder = NSTemporaryDirectory() + "tasq-" + UUID().uuidString
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let text = block.joined(separator: "\n").replacing("/run/secrets", with: folder)
            let secret = Data("c2VjcmV0IHNlY3JldCBzZWNyZXQ".utf8)
            var environment = ["DATABASE_URL": "postgres://127.0.0.1:9/none"]
            for match in text.matches(of: /env:([A-Z_]+)/) {
                environment[String(match.1)] = String(decoding: secret, as: UTF8.self)
            }
            for match in text.matches(of: /file:([^\],]+)/) {
                try secret.write(to: URL(fileURLWithPath: String(match.1)))
            }
            let file = folder + "/tasq.yaml"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            let check = try await ChildProcess.start(
                ChildProcess.built("tasq"), ["config", "check", "--config", file],
                environment: environment, directory: "/")
            #expect(try await check.wait() == .code(0), "\(check.standardError)")
        }
    }

    @Test func `Every option of a job is described where it can be said and where it is told`()
        throws
    {
        let article = try #require(Document.articles.first { $0.path.hasSuffix("/Lifecycle.md") })
        let rows = try article.text().split(separator: "\n")
        let specification = try Document(path: "Sources/TasqHTTP/OpenAPI/openapi.yaml").text()
        let configuration = try Document(path: "config/tasq.yaml").text()
        for option in JobOption.all.map(\.rawValue) {
            #expect(rows.contains { $0.hasPrefix("| `\(option)` | ") }, "\(option)")
            for schema in ["NewJob", "Job", "Claim", "NewSchedule", "Schedule"] {
                let own = try lines(of: specification, below: "    \(schema):", margin: "      ")
                let isThere = own.contains { $0.hasPrefix("        \(option): ") }
                #expect(isThere, "\(schema) \(option)")
            }
            for (section, margin) in [
                ("sources: {}", "#        "), ("handlers:", "#    "), ("schedules:", "#    "),
            ] {
                let own = try lines(of: configuration, below: section, margin: "")
                let isThere = own.contains { $0.hasPrefix("\(margin)\(option): ") }
                #expect(isThere, "\(section) \(option)")
            }
        }
    }

    /// The lines behind one, as far as an empty one or one that is not as far to the right.
    private func lines(
        of text: String, below heading: String, margin: String
    ) throws -> [Substring] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == heading })
        return Array(lines[(start + 1)...].prefix { !$0.isEmpty && $0.hasPrefix(margin) })
    }

    /// The path in a file's first line, and its imports.
    private func isAboveTheCode(_ line: String) -> Bool {
        line.isEmpty || ["// ", "import ", "@testable import "].contains { line.hasPrefix($0) }
    }

    /// The lines between `// example` and `// end` in the tests of this target, without the
    /// indentation of the first, and without sizes of tests.
    private func examples() throws -> [[String]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().path()
        var examples: [[String]] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix("ArticleTests.swift") {
            let text = try String(contentsOfFile: folder + name, encoding: .utf8)
            var block: [String]?
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                let code = line.drop { $0 == " " }
                if code == "// example" {
                    block = []
                } else if code == "// end", let lines = block {
                    let margin = lines.first.map { $0.prefix { $0 == " " }.count } ?? 0
                    examples.append(lines.map { String($0.dropFirst(margin)) })
                    block = nil
                } else {
                    block?.append(String(line).replacing("@Suite(.medium)", with: "@Suite"))
                }
            }
        }
        return examples
    }

    /// What stands between backticks and begins with the program's name.
    private func quoted(in text: String) -> [String] {
        text.matches(of: /`(tasq [a-z][^`\n]*)`/).map { String($0.1) }
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
        var help = try await ProgramHelp.text(of: path)
        var subcommands = ProgramHelp.subcommands(in: help)
        while !subcommands.isEmpty {
            guard path.count < arguments.count, subcommands.contains(arguments[path.count]) else {
                return "none of \(subcommands.joined(separator: ", "))"
            }
            path.append(arguments[path.count])
            help = try await ProgramHelp.text(of: path)
            subcommands = ProgramHelp.subcommands(in: help)
        }
        let known = help.matches(of: /--[a-z-]+/).map { String($0.output) }
        let options = arguments.filter { $0.hasPrefix("--") }
        return options.first { !known.contains($0) }.map { "no option \($0)" }
    }

    private func migrate(_ url: String) async throws {
        let store = PostgresStore(try PostgresSettings(url: url), logger: .init(label: "test"))
        try await store.migrate()
        await store.close()
    }
}
