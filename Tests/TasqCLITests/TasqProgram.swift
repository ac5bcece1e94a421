import Foundation
import TasqPostgres
import TasqTesting
import Testing

@testable import TasqCLI

/// The built program, run as people run it.
enum TasqProgram {
    /// `TASQ_BIN`, or the program beside the test bundle.
    static var path: String {
        if let path = ProcessInfo.processInfo.environment["TASQ_BIN"] { return path }
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        let own = bundle ?? Bundle.main.executablePath ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path + "/tasq"
    }

    /// What a run came to.
    struct Run: Sendable {
        let exit: ChildProcess.Exit
        let output: String
        let errors: String

        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    /// Starts it in a directory without a configuration.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> ChildProcess {
        try await ChildProcess.start(
            path, arguments, environment: environment, directory: "/", input: input)
    }

    /// Runs it to its end.
    static func run(
        _ arguments: String..., environment: [String: String] = [:], input: String = ""
    ) async throws -> Run {
        let child = try await start(arguments, environment: environment, input: input)
        let exit = try await child.wait()
        return Run(exit: exit, output: child.standardOutput, errors: child.standardError)
    }
}

/// A database with the current schema, for one test.
func withDatabase<Result>(_ body: (TestDatabase) async throws -> Result) async throws -> Result {
    try await TestDatabase.with(
        template: "cli",
        migrate: { url in
            let store = PostgresStore(try PostgresSettings(url: url), logger: .silent)
            do {
                try await store.migrate()
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }, body)
}

/// A line of a configuration, the first below a key, is refused, and told with its number and this text.
func expectMistake(below key: String, _ line: String, _ text: String) async throws {
    let file = try TemporaryFile("\(key):\n  \(line)")
    let run = try await TasqProgram.run(
        "config", "check", "--config", file.path,
        environment: ["DATABASE_URL": "postgres://127.0.0.1:9/none"])
    #expect(run.exit == .code(78))
    #expect(run.errors.contains("\(file.path):2: "), "\(run.errors)")
    #expect(run.errors.contains(text), "\(run.errors)")
}
