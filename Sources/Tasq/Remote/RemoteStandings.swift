/// How the rows of one remote worker know each other: the first ten octets of a further row's id are
/// those of the worker's own id, but for the version, which is 8.
extension WorkerID {
    /// An id for one more row of this worker.
    func oneMore() -> WorkerID {
        let octets = UInt64.random(in: 0...Self.freeOctets)
        return WorkerID(high: family.high | 0x8000, low: family.low | octets)
    }

    /// What the ids of all rows of a worker have in common.
    var family: WorkerID {
        WorkerID(high: high & ~Self.version, low: low & ~Self.freeOctets)
    }

    /// Whether it is a further row's, unless a worker has chosen such an id as its own.
    var isOneMore: Bool { high & Self.version == 0x8000 }

    private static var version: UInt64 { 0xF000 }
    private static var freeOctets: UInt64 { 0xFFFF_FFFF_FFFF }
}

extension [WorkerStanding] {
    /// One of each worker, in the order of those that began first: what a remote worker does under
    /// further rows counts as done under its own.
    ///
    /// Its slots are what it has said, or else the most it has asked for at a time, and never fewer
    /// than the jobs it runs. Where its own row is gone, the oldest of the others stands for it.
    package var oneOfEachWorker: [WorkerStanding] {
        var owners: [WorkerID: WorkerID] = [:]
        for standing in self where standing.isRemote && !standing.worker.id.isOneMore {
            let id = standing.worker.id
            if owners[id.family] == nil { owners[id.family] = id }
        }
        var found: [WorkerStanding] = []
        var places: [WorkerID: Int] = [:]
        for standing in self {
            let id = standing.worker.id
            guard standing.isRemote else {
                found.append(standing)
                continue
            }
            let owner = id.isOneMore ? owners[id.family] ?? id.family : id
            if let place = places[owner] {
                found[place] = found[place].joined(with: standing, of: owner)
            } else {
                places[owner] = found.count
                found.append(standing)
            }
        }
        return found.map { $0.isRemote ? $0.withRoomForAll : $0 }
    }

    /// The worker whose row has this id, its own or a further one.
    package func standing(of row: WorkerID) -> WorkerStanding? {
        first { $0.worker.id == row }
            ?? first { row.isOneMore && $0.isRemote && $0.worker.id.family == row.family }
    }
}

extension WorkerStanding {
    fileprivate var isRemote: Bool { worker.version == WorkerRecord.remoteVersion }

    /// With slots for whatever it runs.
    fileprivate var withRoomForAll: WorkerStanding {
        with(worker, queues: worker.queues, slots: max(worker.concurrency, executing))
    }

    /// This and another row of one worker; what the worker's own row says of it counts.
    fileprivate func joined(with other: WorkerStanding, of owner: WorkerID) -> WorkerStanding {
        let (first, second) = other.worker.id == owner ? (other, self) : (self, other)
        let more = second.worker.queues.filter { !first.worker.queues.contains($0) }
        var joined = with(
            first.worker, queues: first.worker.queues + more,
            slots: max(first.worker.concurrency, second.worker.concurrency))
        joined.startedAt = min(startedAt, other.startedAt)
        joined.seenAt = max(seenAt, other.seenAt)
        joined.executing = executing + other.executing
        return joined
    }

    private func with(_ worker: WorkerRecord, queues: [Name], slots: Int) -> WorkerStanding {
        var standing = self
        standing.worker = WorkerRecord(
            id: worker.id, host: worker.host, processID: worker.processID, queues: queues,
            concurrency: slots, version: worker.version, heartbeat: worker.heartbeat,
            lease: worker.lease, kinds: worker.kinds)
        return standing
    }
}
