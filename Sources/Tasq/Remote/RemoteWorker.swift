/// A worker in another process and language, as one of its requests for work describes it.
package struct RemoteWorker: Sendable, Hashable {
    /// Jobs one request may ask for.
    package static let claimLimit = 64
    /// Jobs one worker may say it runs at once.
    package static let concurrencyLimit = 10_000
    /// The longest a request waits for work.
    package static let longestWait = Duration.seconds(30)
    /// How long a claim stands without being renewed, when the worker does not say.
    package static let defaultLease = Duration.seconds(15)
    /// The shortest and the longest lease a worker may ask for.
    package static let leases = Duration.seconds(3)...Duration.seconds(3600)

    /// Made by the worker, fresh at every start of it.
    package let id: WorkerID
    /// A name for people.
    package let host: String
    /// The queues it serves.
    package let queues: [Name]
    /// Jobs it can start now.
    package var limit: Int
    /// Jobs it runs at once, as far as it has said; at least ``limit``.
    package let concurrency: Int
    /// How long each of its claims stands without being renewed.
    package let lease: Duration

    /// Throws ``InvalidInput`` naming the field that is out of its range.
    package init(
        id: WorkerID, host: String = "remote", queues: [Name] = [.defaultQueue], limit: Int = 1,
        concurrency: Int? = nil, lease: Duration = defaultLease
    ) throws(InvalidInput) {
        guard (1...64).contains(queues.count) else {
            throw InvalidInput(field: "queues", "must be 1 to 64 names")
        }
        guard (1...Self.claimLimit).contains(limit) else {
            throw InvalidInput(field: "limit", "must be between 1 and \(Self.claimLimit)")
        }
        guard (1...Self.concurrencyLimit).contains(concurrency ?? limit) else {
            throw InvalidInput(
                field: "concurrency", "must be between 1 and \(Self.concurrencyLimit)")
        }
        guard Self.leases.contains(lease) else {
            throw InvalidInput(field: "lease", "must be between 3s and 1h")
        }
        guard (1...255).contains(host.utf8.count) else {
            throw InvalidInput(field: "host", "must be 1 to 255 bytes")
        }
        self.id = id
        self.host = host
        var distinct: [Name] = []
        for queue in queues where !distinct.contains(queue) { distinct.append(queue) }
        self.queues = distinct
        self.limit = limit
        self.concurrency = max(limit, concurrency ?? limit)
        self.lease = lease
    }

    /// The row it is entered as, under its own id or another.
    func record(id: WorkerID) -> WorkerRecord {
        WorkerRecord(
            id: id, host: host, processID: 0, queues: queues, concurrency: concurrency,
            version: WorkerRecord.remoteVersion, heartbeat: lease / 3, lease: lease)
    }
}

extension WorkerRecord {
    /// The version that remote workers are entered with: that of the protocol they speak.
    package static let remoteVersion = "claims/1"
}
