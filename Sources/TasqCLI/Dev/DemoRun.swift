import Tasq
import TasqPostgres
import TasqTesting

/// The demo to its end: steady traffic, a backlog, FLUSHALL, steady traffic, then the reckoning.
struct DemoRun: Sendable {
    /// Webhooks sent, redeliveries included.
    static let webhooks = 2000
    /// Of every this many, the last is a redelivery of an event that was accepted before.
    static let redeliveryShare = 20
    /// Webhooks a second while the traffic is steady.
    static let rate = 250.0
    /// Webhooks that pile up behind a receiver that does not answer, before Redis is flushed.
    static let burst = 400
    /// How long the last job may take to end.
    static let patience = Duration.seconds(120)

    let servers: DevServers
    let traffic: DemoTraffic
    let receiver: DemoReceiver
    let store: PostgresStore
    let progress: Progress

    /// Runs the script and measures. Throws ``Failure`` when jobs do not end in time.
    func run() async throws -> DemoReport {
        let events = Self.events()
        let half = (events.count - Self.burst) / 2
        progress.show("sending \(half) signed webhooks at \(Int(Self.rate)) a second")
        await traffic.send(Array(events[..<half]), rate: Self.rate)
        try await settle()

        let steady = Set(traffic.tally.accepted.keys)
        progress.show("building a backlog of \(Self.burst)")
        receiver.hold()
        await traffic.send(Array(events[half..<(half + Self.burst)]), rate: nil)
        let waiting = try await store.queues().reduce(0) { $0 + $1.queued }
        progress.show("FLUSHALL with \(waiting) jobs waiting")
        try await servers.redis.command("FLUSHALL")
        let flushed = ContinuousClock.now
        let held = Set(traffic.tally.accepted.keys).subtracting(steady)
        receiver.release()
        try await settle()
        let recovery = receiver.arrivals.filter { held.contains($0.key) }
            .compactMap(\.value.firstTaken).max().map { $0 - flushed }

        progress.show("sending the rest")
        await traffic.send(Array(events[(half + Self.burst)...]), rate: Self.rate)
        try await settle()
        progress.clear()
        return DemoReport(
            tally: traffic.tally, arrivals: receiver.arrivals, jobs: try await allJobs(),
            behindBacklog: held, waitingAtFlush: waiting, recovery: recovery)
    }

    /// The events in sending order: every twentieth is one that was sent before.
    private static func events() -> [DemoTraffic.Event] {
        var events: [DemoTraffic.Event] = []
        for number in 0..<webhooks {
            if number % redeliveryShare == redeliveryShare - 1 {
                events.append(events[number - redeliveryShare / 2])
            } else {
                events.append(DemoTraffic.Event(number: number))
            }
        }
        return events
    }

    /// Waits until no job is unfinished.
    private func settle() async throws {
        let end = ContinuousClock.now + Self.patience
        while true {
            let left = try await store.queues().reduce(0) {
                $0 + $1.scheduled + $1.queued + $1.executing
            }
            if left == 0 { return }
            if let name = servers.ended.first {
                throw Failure(.internal, "\(name) ended; see .tasq/log")
            }
            guard ContinuousClock.now < end else {
                throw Failure(.refused, "\(left) jobs had not ended after \(Self.patience)")
            }
            progress.show("\(receiver.taken) executed, \(left) to go")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Every row of the table.
    private func allJobs() async throws -> [JobRecord] {
        var jobs: [JobRecord] = []
        var next: JobCursor?
        repeat {
            let page = try await store.jobs(matching: JobFilter(), after: next, limit: 1000)
            jobs += page.jobs
            next = page.next
        } while next != nil
        return jobs
    }
}
