/// One round over all jobs, which prunes what has been kept long enough, or only counts it.
///
/// The walk goes by ids, for there is no index of the times at which jobs ended, which every job would
/// have to pay for. It makes one statement at a time, so that whoever takes it may rest between them.
package struct PruneWalk: Sendable {
    /// Jobs looked at, and deleted, in one statement.
    package static let reach = 1000
    package static let batchLimit = 500
    /// How far ahead of this process's clock PostgreSQL's may be. It decides what is old, and one that is
    /// wrong by years would let everything go.
    package static let clockSlack = Duration.seconds(3600)

    /// Jobs that are counted together.
    package struct Group: Sendable, Hashable {
        package let queue: Name
        package let status: JobStatus
    }

    /// What a statement came to.
    package enum Step: Sendable {
        /// A look, which has found so many.
        case looked(found: Int)
        /// A deletion, of these.
        case pruned([ExpiredJob])
        /// There was nothing left to do, and no statement.
        case end
    }

    private let retention: Retention
    private let isDryRun: Bool
    private var cursor: JobID?
    private var isAtEnd = false
    /// Found and not yet deleted.
    private var found: [ExpiredJob] = []
    /// Deleted in the next statement, at most.
    private var batchSize = PruneWalk.batchLimit
    /// Jobs looked at so far, and about how many there are.
    package private(set) var examined = 0
    package private(set) var estimate = 0
    /// What was deleted so far, or, in a dry run, what would be.
    package private(set) var counts: [Group: Int] = [:]
    /// Those that somebody held, or retried, between the look and the deletion.
    package private(set) var passedOver = 0
    /// Those whose deletion failed though each was tried by itself.
    package private(set) var failed = 0

    package init(_ retention: Retention, dryRun: Bool = false) {
        self.retention = retention
        isDryRun = dryRun
    }

    /// Makes the next statement. After an error a look comes again, and a deletion with fewer jobs: one
    /// that cannot be deleted must not hold back the others, and is left to the next round.
    ///
    /// A clock of PostgreSQL's that is too far ahead is an error, too.
    package mutating func step(
        in store: any RetentionStore
    ) async throws(StoreError) -> Step {
        guard found.isEmpty else {
            let batch = Array(found.prefix(batchSize))
            let pruned: [ExpiredJob]
            do throws(StoreError) {
                pruned = try await store.prune(batch)
            } catch {
                shrink(after: batch.count)
                throw error
            }
            batchSize = min(batchSize * 2, Self.batchLimit)
            found.removeFirst(batch.count)
            passedOver += batch.count - pruned.count
            count(pruned)
            return .pruned(pruned)
        }
        guard !isAtEnd else { return .end }
        let page = try await store.expired(by: retention, after: cursor, limit: Self.reach)
        try Self.requireTime(of: page)
        cursor = page.last ?? cursor
        isAtEnd = page.examined < Self.reach
        examined += page.examined
        estimate = max(page.estimate, examined)
        if isDryRun { count(page.jobs) } else { found = page.jobs }
        return .looked(found: page.jobs.count)
    }

    /// Whether the next statement deletes.
    package var isDeleting: Bool { !found.isEmpty }

    /// Behind a deletion of so many that failed.
    private mutating func shrink(after count: Int) {
        if count > 1 {
            batchSize = count / 2
        } else {
            found.removeFirst()
            failed += 1
        }
    }

    private static func requireTime(of page: ExpiredPage) throws(StoreError) {
        let (theirs, ours) = (page.asOf.microseconds, Timestamp.now.microseconds)
        guard theirs > ours + clockSlack.inMicroseconds else { return }
        let ahead = Duration.microseconds(theirs - ours)
        throw .misconfigured(
            "PostgreSQL's clock, which decides what is old, is \(ahead.rough) ahead of this machine's: "
                + "nothing is pruned until they agree")
    }

    private mutating func count(_ jobs: [ExpiredJob]) {
        for job in jobs { counts[Group(queue: job.queue, status: job.status), default: 0] += 1 }
    }

    /// How many of all queues.
    package func count(of status: JobStatus) -> Int {
        counts.reduce(0) { $0 + ($1.key.status == status ? $1.value : 0) }
    }

    /// How many in all.
    package var total: Int { counts.values.reduce(0, +) }
}
