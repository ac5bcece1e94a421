import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq doctor`: connections, settings and crowds, with what to do.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check PostgreSQL and Redis, and say what to do.",
        discussion: "Changes nothing. Exits 1 if something fails; a warning is no failure.")

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func run() async throws {
        let configuration = try global.load([.database, .redis])
        let connections = try Connections(configuration, logger: .silent)
        var lines = await PostgresDoctor(store: connections.store).examine()
        // Why it cannot be told stands in the lines above.
        let database = try? await connections.store.identity()
        lines += await RedisDoctor(announcer: connections.announcer, database: database).examine()
        await connections.close()
        try Report.list(
            lines, json: json,
            columns: [.init(heading: "STATE"), .init(heading: "WHAT"), .init(heading: "FINDING")],
            cells: { line in
                [
                    .init(line.state.rawValue, line.state.style), .init(line.name),
                    .init(line.text + (line.mend.map { ": \($0)" } ?? "")),
                ]
            },
            object: { line in
                .object([
                    "state": .string(line.state.rawValue), "what": .string(line.name),
                    "finding": .string(line.text), "mend": .text(line.mend),
                ])
            })
        let failures = lines.count { $0.state == .fail }
        guard failures == 0 else {
            throw Failure(
                .refused, "\(failures) of \(lines.count) checks failed: see the lines above")
        }
    }
}
