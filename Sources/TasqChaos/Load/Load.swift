import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization
import Tasq
import TasqTesting
import TasqWebhooks

/// The clients of a run: they ask for jobs at a steady rate, each under a token of its own, and
/// write down what they asked for and what they were told.
///
/// A request that got no answer is repeated under its `Idempotency-Key`, as a client should; until
/// an answer comes its jobs may be stored or not.
final class Load: Sendable {
    /// What came of it so far.
    struct Tally: Sendable {
        var acknowledged = 0
        /// Requests that were not answered with 201, or not at all.
        var failures = 0
        /// Acknowledged jobs that will end in `error`, and ones whose end nobody can know.
        var asked = 0
    }

    /// Requests on their way at once; what is too much for them is asked for later.
    static let inFlight = 128
    /// How long a request may take.
    static let patience = Duration.seconds(10)
    /// How often one is repeated before its client gives up.
    static let tries = 60

    private struct State {
        var tally = Tally()
        /// The ids that were told.
        var jobs: Set<String> = []
        var random: SeededGenerator
        var number = 0
        var rate: Double
        var isOver = false
        var flying = 0
    }

    private let log: EventLog
    private let lease: Duration
    private let shape: Fault.Load
    private let address: @Sendable () async -> String?
    private let state: Mutex<State>
    /// The connections to the server that was asked last.
    private let pool = Mutex<(address: String, connections: TargetPool)?>(nil)

    init(plan: Plan, log: EventLog, address: @escaping @Sendable () async -> String?) {
        self.log = log
        self.address = address
        lease = plan.profile.lease
        shape = plan.fault.setup.load
        state = Mutex(
            State(
                random: SeededGenerator(seed: plan.seed &* 31),
                rate: plan.askedRate))
    }

    var tally: Tally { state.withLock { $0.tally } }

    /// Jobs asked for a second from now on.
    var rate: Double {
        get { state.withLock { $0.rate } }
        set { state.withLock { $0.rate = newValue } }
    }

    /// Asks for nothing more; ``run()`` returns when the requests under way have their answers.
    func finish() {
        state.withLock { $0.isOver = true }
    }

    /// Asks for jobs until ``finish()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            var next = ContinuousClock.now
            while !state.withLock({ $0.isOver }) {
                let rate = rate
                guard rate > 0, state.withLock({ $0.flying < Self.inFlight }) else {
                    next = .now + .milliseconds(10)
                    guard await sleep(for: .milliseconds(10)) else { return }
                    continue
                }
                let request = draw()
                state.withLock { $0.flying += 1 }
                group.addTask {
                    await self.ask(for: request)
                    self.state.withLock { $0.flying -= 1 }
                    await self.follow(request)
                }
                next += .seconds(Double(request.jobs.count) / rate)
                if next > .now {
                    guard await sleep(for: next - .now) else { return }
                }
            }
        }
    }

    /// Asks for particular jobs, and waits until they are acknowledged.
    func ask(for shapes: [JobShape]) async {
        await ask(for: Request(shapes))
    }

    /// A job of a deed of its own.
    func drawn(_ deed: JobShape.Deed, milliseconds: Int = 0) -> JobShape {
        state.withLock { state in
            var shape = JobShape(token: JobShape.token(from: &state.random))
            shape.deed = deed
            shape.milliseconds = milliseconds
            return shape
        }
    }

    /// What the server has counted beyond what its clients were told. A job that holds the unique key
    /// of another one's request is told again, and counted once.
    func overcount() async throws -> Int {
        let answer = try await execute(.GET, "/metrics")
        let page = String(decoding: answer?.body ?? Data(), as: UTF8.self)
        let name = "tasq_enqueued_total "
        guard let line = page.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let counted = Double(line.dropFirst(name.count))
        else { throw TestingError.failed("the server does not say what it counted") }
        return Int(counted) - state.withLock { $0.jobs.count }
    }

    // MARK: One request

    /// The jobs of one request, and the ids they were given.
    private final class Request: Sendable {
        let jobs: [JobShape]
        let ids = Mutex<[String]>([])

        init(_ jobs: [JobShape]) {
            self.jobs = jobs
        }

        var key: String { jobs[0].token }

        var body: String {
            jobs.count == 1
                ? jobs[0].request : "[" + jobs.map(\.request).joined(separator: ",") + "]"
        }
    }

    private func draw() -> Request {
        state.withLock { state in
            let isAlone = Bool.random(using: &state.random)
            let count = isAlone ? 1 : Int.random(in: 2...20, using: &state.random)
            let jobs = (0..<count).map { _ in
                state.number += 1
                switch shape {
                case .mixture:
                    return JobShape.drawn(number: state.number, lease: lease, from: &state.random)
                case .plain(let milliseconds):
                    var shape = JobShape(token: JobShape.token(from: &state.random))
                    shape.milliseconds = milliseconds
                    return shape
                }
            }
            return Request(jobs)
        }
    }

    private func ask(for request: Request) async {
        state.withLock { $0.tally.asked += request.jobs.count }
        for job in request.jobs {
            log.write(
                Event(
                    kind: .asked, token: job.token, name: job.deed.rawValue,
                    outcome: job.uniqueKey, batch: request.key))
        }
        for attempt in 1...Self.tries {
            let begin = Event.now
            switch await post(request) {
            case .acknowledged(let ids):
                let took = Double(Event.now - begin) / 1e6
                request.ids.withLock { $0 = ids }
                state.withLock { state in
                    state.tally.acknowledged += ids.count
                    state.jobs.formUnion(ids)
                }
                for (job, id) in zip(request.jobs, ids) {
                    log.write(
                        Event(
                            kind: .acknowledged, token: job.token, job: id,
                            outcome: job.uniqueKey, batch: request.key, milliseconds: took))
                }
                return
            case .refused(let reason):
                for job in request.jobs {
                    log.write(
                        Event(
                            kind: .refused, token: job.token, outcome: reason, batch: request.key))
                }
                return
            case .unanswered(let reason):
                state.withLock { $0.tally.failures += 1 }
                log.write(
                    Event(
                        kind: .unanswered, token: request.key, outcome: reason,
                        batch: request.key, milliseconds: Double(Event.now - begin) / 1e6))
            }
            let pause = Duration.milliseconds(min(1000, 100 * attempt))
            guard await sleep(for: pause * Double.random(in: 0.5...1)) else { return }
        }
    }

    private enum Answer {
        case acknowledged([String])
        case refused(String)
        case unanswered(String)
    }

    private func post(_ request: Request) async -> Answer {
        do {
            guard let answer = try await execute(.POST, "/v1/jobs", request.body, key: request.key)
            else { return .unanswered("no server") }
            switch answer.status {
            case 201:
                let ids = try JSONDecoder().decode(Identifiers.self, from: answer.body).all
                guard ids.count == request.jobs.count else { return .unanswered("odd answer") }
                return .acknowledged(ids)
            case 400..<500: return .refused("\(answer.status)")
            default: return .unanswered("\(answer.status)")
            }
        } catch {
            return .unanswered("no answer")
        }
    }

    private struct Identifiers: Decodable {
        let id: String?
        let ids: [String]?
        var all: [String] { ids ?? id.map { [$0] } ?? [] }
    }

    /// Reads back and calls off what is meant to be.
    private func follow(_ request: Request) async {
        let ids = request.ids.withLock { $0 }
        for (job, id) in zip(request.jobs, ids) {
            if job.isRead { await read(id, of: job) }
            if job.isCancelled { await cancel(id, of: job) }
        }
    }

    private func read(_ id: String, of job: JobShape) async {
        let answer = try? await execute(.GET, "/v1/jobs/\(id)")
        guard let status = answer?.status, status == 200 || status == 404 else { return }
        log.write(Event(kind: status == 200 ? .found : .missing, token: job.token, job: id))
    }

    private func cancel(_ id: String, of job: JobShape) async {
        guard await sleep(for: .milliseconds(Double.random(in: 0...100))) else { return }
        log.write(Event(kind: .cancelAsked, token: job.token, job: id))
        for _ in 0..<20 {
            let answer = try? await execute(.POST, "/v1/jobs/\(id)/cancel", "")
            switch answer?.status {
            case 202: return log.write(Event(kind: .cancelled, token: job.token, job: id))
            case 409: return log.write(Event(kind: .cancelLate, token: job.token, job: id))
            default: guard await sleep(for: .milliseconds(250)) else { return }
            }
        }
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, key: String? = nil
    ) async throws -> (status: Int, body: Data)? {
        guard let address = await address() else { return nil }
        var request = try HTTPRequest(url: address + path)
        request.method = method
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = Array(body.utf8)
        }
        let answer = try await connections(to: request.origin, at: address).send(
            request, deadline: .now() + TimeAmount(Self.patience), bodyLimit: 1 << 20)
        guard answer.isWhole else { throw RequestFault.brokenOff }
        return (answer.status, Data(answer.body))
    }

    /// A server that was started again is somewhere else.
    private func connections(to origin: HTTPOrigin, at address: String) -> TargetPool {
        pool.withLock { pool in
            if let pool, pool.address == address { return pool.connections }
            pool?.connections.close()
            let connections = TargetPool(to: origin, limit: Self.inFlight)
            pool = (address, connections)
            return connections
        }
    }
}
