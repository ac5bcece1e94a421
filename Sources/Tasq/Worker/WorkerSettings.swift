/// Where a worker looks for jobs.
public enum FindWork: String, Sendable, Hashable, CaseIterable {
    /// Waits for announcements and also sweeps the table, when idle and every so often.
    case pushAndSweep = "push+sweep"
    /// Looks at the table at the start, then relies on announcements; once in thirty poll intervals it
    /// looks for what they have lost.
    case push
    /// Looks at the table only.
    case poll
}

/// What a worker does while nobody knows whether its lease still holds.
public enum LeaseUnknown: String, Sendable, Hashable, CaseIterable {
    /// Goes on; if the worker was reaped meanwhile, the fence discards its outcomes.
    case `continue`
    /// Cancels its handlers; for handlers that must not overlap with another run. After its crash
    /// its jobs wait for its whole lease.
    case cancel
}

/// How a worker works.
public struct WorkerSettings: Sendable, Hashable {
    /// A queue and how often it is looked at first: weight 2 twice as often as weight 1.
    public struct QueueShare: Sendable, Hashable {
        /// The queue.
        public var name: Name
        /// 1 to 100.
        public var weight: Int

        /// Makes a share; the weight is checked by ``WorkerSettings``.
        public init(_ name: Name, weight: Int = 1) {
            self.name = name
            self.weight = weight
        }
    }

    /// The queues it serves, 1 to 64.
    public var queues: [QueueShare]
    /// Jobs run at once.
    public var concurrency: Int
    /// How often the heartbeat is raised.
    public var heartbeat: Duration
    /// How long the worker may stand still before its jobs are given to others; at least three
    /// heartbeats.
    public var lease: Duration
    /// How long handlers may go on after a graceful shutdown began.
    public var grace: Duration
    /// Where it looks for jobs.
    public var findWork: FindWork
    /// What it does while nobody knows whether its lease still holds.
    public var onLeaseUnknown: LeaseUnknown
    /// The longest pause between two looks at the table while there is nothing to do.
    public var pollInterval: Duration
    /// A sweep happens after this many batches of announced jobs, and at least once a
    /// ``pollInterval``.
    public var sweepEvery: Int
    /// Bytes of bodies over ``JobLimits/claimedBytes`` that its running jobs may hold together; a
    /// job that finds no room waits in its slot.
    public var memory: Int
    /// What it prunes while it holds the maintenance term: nothing unless told. Of processes that differ
    /// in this the one that holds the term counts.
    public var retention: Retention
    /// Name of this machine and number of this process, for people.
    public var host: String
    /// The number of this process, for people.
    public var processID: Int32
    /// The version of the program, for people.
    public var version: String

    /// As much as the largest body takes, as a form beside what stands in it.
    static let leastMemory = 2 * JobLimits.eventBytes

    /// Throws ``InvalidInput`` naming the setting that is out of its range.
    public init(
        queues: [QueueShare] = [QueueShare(.defaultQueue)], concurrency: Int = 64,
        heartbeat: Duration = .seconds(2), lease: Duration = .seconds(15),
        grace: Duration = .seconds(25), findWork: FindWork = .pushAndSweep,
        onLeaseUnknown: LeaseUnknown = .continue, pollInterval: Duration = .seconds(1),
        sweepEvery: Int = 16, memory: Int = 268_435_456, retention: Retention = .forever,
        host: String = "localhost", processID: Int32 = 0, version: String = "library"
    ) throws(InvalidInput) {
        guard (1...64).contains(queues.count), queues.allSatisfy({ (1...100).contains($0.weight) })
        else {
            throw InvalidInput(
                field: "worker.queues", "must be 1 to 64 queues of weight 1 to 100 each")
        }
        guard (1...10_000).contains(concurrency) else {
            throw InvalidInput(field: "worker.concurrency", "must be between 1 and 10000")
        }
        guard heartbeat >= .milliseconds(100), heartbeat <= .seconds(3600) else {
            throw InvalidInput(field: "worker.heartbeat", "must be between 100ms and 1h")
        }
        guard lease >= heartbeat * 3, lease <= .seconds(86_400) else {
            throw InvalidInput(
                field: "worker.lease", "must be at least three heartbeats and at most 24h")
        }
        guard grace >= .zero, grace <= .seconds(86_400) else {
            throw InvalidInput(field: "worker.grace", "must be between 0s and 24h")
        }
        guard pollInterval >= .milliseconds(50), pollInterval <= .seconds(60) else {
            throw InvalidInput(field: "worker.poll_interval", "must be between 50ms and 1m")
        }
        guard (1...10_000).contains(sweepEvery) else {
            throw InvalidInput(field: "worker.sweep_every", "must be between 1 and 10000")
        }
        guard memory >= Self.leastMemory else {
            throw InvalidInput(
                field: "worker.memory", "must be at least \(Self.leastMemory) bytes")
        }
        self.queues = queues
        self.concurrency = concurrency
        self.heartbeat = heartbeat
        self.lease = lease
        self.grace = grace
        self.findWork = findWork
        self.onLeaseUnknown = onLeaseUnknown
        self.pollInterval = pollInterval
        self.sweepEvery = sweepEvery
        self.memory = memory
        self.retention = retention
        self.host = host
        self.processID = processID
        self.version = version
    }

    /// The queues in the order of one look: drawn by weight, so that none starves.
    func drawnQueues() -> [Name] {
        var left = queues
        var order: [Name] = []
        while left.count > 1 {
            var ticket = Int.random(in: 0..<left.reduce(0) { $0 + $1.weight })
            let drawn =
                left.firstIndex { share in
                    ticket -= share.weight
                    return ticket < 0
                } ?? 0
            order.append(left.remove(at: drawn).name)
        }
        return order + left.map(\.name)
    }
}
