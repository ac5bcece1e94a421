import ArgumentParser
import FoundationEssentials
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the program starts; the only place that ends it.
@main
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasq-chaos",
        abstract: "Disturb a running tasq and check what it makes of it.",
        discussion: """
            Starts a PostgreSQL, a Redis, a server and workers of its own, gives them work, breaks \
            something by a seeded plan, and then checks the logs of every process and every row \
            by SQL that shares nothing with tasq. Everything is stopped and removed at the end.
            """,
        subcommands: [
            RunCommand.self, TableCommand.self, SoakCommand.self, ListCommand.self,
            CheckCommand.self, WorkerCommand.self,
        ])

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure || code.isSuccess { exit(withError: error) }
            Terminal.note("tasq-chaos: \(error)")
            Glibc.exit(error is TestingError ? 69 : 70)
        }
    }
}
