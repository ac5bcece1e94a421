import Foundation
import Tasq
import TasqPostgres
import TasqTesting

/// Runs the floors: pgbench with the scripts of this folder, on the same server.
struct PgBench: Sendable {
    /// How long a run goes on.
    enum Length: Sendable {
        case time(Duration)
        case transactions(Int)
    }

    struct Result: Sendable {
        let transactionsPerSecond: Double
        /// The median transaction, where the run was logged.
        let medianMilliseconds: Double
    }

    /// A registered worker that floors claim for.
    let worker = UUID().uuidString.lowercased()
    private let program: String

    /// `nil` where there is no pgbench.
    init?() {
        guard let program = PostgresTools.pgbench else { return nil }
        self.program = program
    }

    /// The size of the single bodies.
    static let bodyBytes = 1000

    /// Runs a script on the stage's schema until the length is reached.
    func run(
        _ floor: String, on stage: Stage, clients: Int, batch: Int = 1, _ length: Length,
        bytes: Int = PgBench.bodyBytes, isLogged: Bool = false
    ) async throws -> Result {
        let directory =
            FileManager.default.temporaryDirectory.path + "/tasq-bench-"
            + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(atPath: directory) } catch {} }
        let target = URLWithoutPassword(stage.servers.databaseURL)
        // As the worker's own sessions: behind a pooler, where a session is whoever's turn it is,
        // nothing is prepared, and nothing set.
        let isPooled = await stage.servers.admin.isPooled
        var words = [
            "-n", "-M", isPooled ? "extended" : "prepared", "-f", "-", "-c", "\(clients)", "-j",
            "\(min(clients, 2))",
            "-D", "batch=\(batch)", "-D", "worker=\(worker)",
            "-D", "body=" + String(repeating: "x", count: bytes),
        ]
        switch length {
        case .time(let time): words += ["-T", "\(max(1, Int(time.inSeconds)))"]
        case .transactions(let count): words += ["-t", "\(count)"]
        }
        if isLogged { words += ["-l"] }
        var environment: [String: String] = [:]
        if !isPooled {
            environment["PGOPTIONS"] =
                "-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan"
        }
        environment["PGPASSWORD"] = target.password
        let child = try await ChildProcess.start(
            program, words + [target.url],
            environment: environment, directory: directory,
            input: FloorScript.text(floor, in: stage.schema))
        let exit = try await child.wait(within: .seconds(900))
        try Task.checkCancellation()
        guard exit == .code(0), let rate = Self.rate(in: child.standardOutput) else {
            let reason = child.standardError.split(separator: "\n").first { $0.contains("error") }
            throw Failure(.internal, "pgbench: \(reason.map(String.init) ?? exit.description)")
        }
        return Result(
            transactionsPerSecond: rate,
            medianMilliseconds: isLogged ? try Self.median(in: directory) : 0)
    }

    /// Enters the worker whose id the claiming scripts use.
    func register(on stage: Stage) async throws {
        try await stage.servers.admin.script(
            FloorScript.text("register", in: stage.schema)
                .replacing("$1", with: "'\(worker)'"))
    }

    private static func rate(in output: String) -> Double? {
        for line in output.split(separator: "\n") where line.hasPrefix("tps = ") {
            return line.dropFirst(6).split(separator: " ").first.flatMap { Double($0) }
        }
        return nil
    }

    /// From the logs' third column, the microseconds of each transaction.
    private static func median(in directory: String) throws -> Double {
        var latencies: [Double] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let bytes = FileManager.default.contents(atPath: directory + "/" + name) ?? Data()
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: " ")
                if fields.count > 2, let time = Double(fields[2]) { latencies.append(time / 1000) }
            }
        }
        return latencies.median
    }
}

/// A connection URI apart from its password, which must not stand in a process's arguments.
private struct URLWithoutPassword {
    let url: String
    let password: String?

    init(_ given: String) {
        guard let scheme = given.range(of: "://"),
            let at = given[scheme.upperBound...].firstIndex(of: "@"),
            let colon = given[scheme.upperBound..<at].firstIndex(of: ":")
        else {
            url = given
            password = nil
            return
        }
        let text = String(given[given.index(after: colon)..<at])
        url = String(given[..<colon]) + String(given[at...])
        password = text.removingPercentEncoding ?? text
    }
}
