import Synchronization
import Tasq
import TasqTesting

/// A running system under test: servers, processes, load, and the hand that disturbs them.
final class Rig: Sendable {
    let plan: Plan
    let evidence: Evidence
    let stage: Stage
    /// What this process notes: the load, the disturbances, the samples.
    let log: EventLog
    let server: Member
    let workers: [Member]
    let load: Load
    let crew: Crew
    private let random: Mutex<SeededGenerator>
    private let primary: Mutex<PrivatePostgres>

    var redis: PrivateRedis { stage.redis }

    /// The PostgreSQL that takes writes now.
    var postgres: PrivatePostgres {
        get { primary.withLock { $0 } }
        set { primary.withLock { $0 = newValue } }
    }

    init(
        plan: Plan, evidence: Evidence, stage: Stage, log: EventLog, endpoint: Endpoint
    ) throws {
        self.plan = plan
        self.evidence = evidence
        self.stage = stage
        self.log = log
        let crew = try Crew(plan: plan, stage: stage, endpoint: endpoint, log: log)
        self.crew = crew
        let server = crew.server()
        self.server = server
        workers = (0..<plan.workers).map { crew.worker($0) }
        load = Load(plan: plan, log: log) { await server.address("admin") }
        random = Mutex(SeededGenerator(seed: plan.seed))
        primary = Mutex(stage.postgres)
    }

    var members: [Member] { [server] + workers }

    // MARK: What faults are made of

    /// Runs a body with the fault's beginning and end noted around it.
    func disturbing<Result>(_ what: String, _ body: () async throws -> Result) async throws
        -> Result
    {
        log.write(Event(kind: .faultStart, name: what))
        defer { log.write(Event(kind: .faultStop, name: what)) }
        return try await body()
    }

    /// Notes that something was done to a process that the checkers must know of.
    func markDisturbed(_ member: Member, _ what: String) async {
        guard let pid = await member.pid else { return }
        log.write(Event(kind: .signalled, name: member.name, outcome: what, pid: pid))
    }

    /// Waits until every process has come back. From here on nothing is disturbed any more: how
    /// long they take is part of the recovery.
    func allReady() async throws {
        log.write(Event(kind: .phase, name: "undone"))
        for member in members { try await member.ready() }
    }

    /// Ends a process in order, as an upgrade does; it comes back as itself, or as another program.
    func replace(_ member: Member, by program: Member.Program? = nil) async throws {
        let before = await member.starts
        if let program { await member.become(program) }
        await member.terminate()
        try await eventually("\(member.name) was replaced") { await member.starts > before }
        try await member.ready()
    }

    /// Waits for something that tasq must bring about; false if it does not. With a mistake put
    /// back nobody waits long, unless it is asked for: it is expected not to come.
    func comes(
        within limit: Duration, patiently: Bool = false, _ what: String,
        _ condition: () async throws -> Bool
    ) async -> Bool {
        do {
            let limit = plan.mistake == nil || patiently ? limit : min(limit, .seconds(15))
            try await eventually(within: limit, what, condition)
            return true
        } catch {
            log.write(Event(kind: .phase, name: what, outcome: "late"))
            return false
        }
    }

    /// Waits; part of what a fault is, never a wait for something to have happened.
    func pass(_ duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    func draw(_ range: ClosedRange<Int>) -> Int {
        random.withLock { Int.random(in: range, using: &$0) }
    }

    /// A worker by the seed.
    func drawWorker() -> Member { workers[draw(0...workers.count - 1)] }

    /// Runs SQL as a superuser through psql; rows are lines, columns are divided by `|`.
    @discardableResult
    func sql(_ text: String) async throws -> String {
        try await postgres.execute(text, in: Stage.database)
    }

    func number(_ text: String) async throws -> Int {
        Int(try await sql(text)) ?? -1
    }
}
