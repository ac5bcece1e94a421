import Synchronization
import Tasq

/// A real store that does on command what outages do: it fails, answers late, or does its work and
/// forgets the answer.
final class Saboteur: ClaimStore {
    enum Act: Sendable {
        /// Nothing is done.
        case fails(StoreError)
        /// It is done, and nobody hears of it.
        case forgets
        /// Nothing is done before the signal.
        case waits(Signal)
    }

    private let store: any ClaimStore
    private let acts: Mutex<[Act]>
    /// The calls so far.
    let calls = Record<String>()

    /// Sabotages as many calls as there are acts, and none after them.
    init(of store: any ClaimStore, _ acts: [Act]) {
        self.store = store
        self.acts = Mutex(acts)
    }

    private func sabotage<Answer: Sendable>(
        _ name: String, _ call: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        calls.append(name)
        let act = acts.withLock { acts -> Act? in acts.isEmpty ? nil : acts.removeFirst() }
        switch act {
        case nil: break
        case .fails(let error): throw error
        case .forgets:
            _ = try await call()
            throw .unknown("the answer was lost")
        case .waits(let signal): await signal.wait()
        }
        return try await call()
    }

    var isAway: Bool { store.isAway }

    func claim(
        _ ids: [JobID], for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> [ClaimedJob] {
        try await sabotage("claim") { () async throws(StoreError) in
            try await store.claim(ids, for: worker, from: queues)
        }
    }

    func sweep(
        upTo limit: Int, for worker: WorkerID, from queues: [Name],
        behind cursors: [Name: QueuedCursor], lookingAt reach: Int
    ) async throws(StoreError) -> Sweep {
        try await sabotage("sweep") { () async throws(StoreError) in
            try await store.sweep(
                upTo: limit, for: worker, from: queues, behind: cursors, lookingAt: reach)
        }
    }

    func suspectsTurn(
        of worker: WorkerID, on queues: [Name]
    ) async throws(StoreError) -> SuspectsTurn? {
        try await sabotage("suspectsTurn") { () async throws(StoreError) in
            try await store.suspectsTurn(of: worker, on: queues)
        }
    }

    func claimSuspect(
        for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> ClaimedJob? {
        try await sabotage("claimSuspect") { () async throws(StoreError) in
            try await store.claimSuspect(for: worker, from: queues)
        }
    }

    func claims(
        of worker: WorkerID
    ) async throws(StoreError) -> [(job: JobID, claim: ClaimToken)] {
        try await sabotage("claims") { () async throws(StoreError) in
            try await store.claims(of: worker)
        }
    }

    func stillQueued(_ ids: [JobID]) async throws(StoreError) -> [QueuedJob] {
        try await sabotage("stillQueued") { () async throws(StoreError) in
            try await store.stillQueued(ids)
        }
    }

    func settle(_ settlements: [Settlement]) async throws(StoreError) -> SettleAnswer {
        try await sabotage("settle \(settlements.count)") { () async throws(StoreError) in
            try await store.settle(settlements)
        }
    }

    func body(
        of job: JobID, heldBy claim: ClaimToken
    ) async throws(StoreError) -> HeldBody? {
        try await sabotage("body") { () async throws(StoreError) in
            try await store.body(of: job, heldBy: claim)
        }
    }

    func piece(
        of body: PayloadID, from offset: Int, count: Int
    ) async throws(StoreError) -> [UInt8]? {
        try await sabotage("piece") { () async throws(StoreError) in
            try await store.piece(of: body, from: offset, count: count)
        }
    }
}
