/// The statements that write jobs and claims, as the steps they really take.
///
/// What PostgreSQL does under READ COMMITTED, as far as it matters here; `FaithfulnessTests` holds
/// it against a real server:
///
/// - A statement reads what was committed when it began: its snapshot. `now()` is of that moment.
/// - `FOR NO KEY UPDATE` goes from a row the snapshot shows to its newest version, locks that, and
///   checks the conditions on that row again. One that does not fit any more is left out, but stays
///   locked. `SKIP LOCKED` leaves out rows that another transaction has locked.
/// - `UPDATE` and `DELETE` find rows in the snapshot too: a claim made since is not seen. They wait
///   for whoever is writing such a row, and follow it.
/// - `INSERT … ON CONFLICT DO NOTHING` waits for whoever inserts or deletes a row with the same key
///   and has not committed. Then it decides by what is there now, and goes on with what it read from
///   its snapshot.
/// - What is written is seen by others when it is committed, all at once. Transactions that wait for
///   each other in a circle are a deadlock.
package enum Statement: UInt8, Sendable {
    /// claim.sql. Scan: the offered jobs that are queued, due, no suspects, with attempts left,
    /// while the worker has a row. Steps: lock, insert the claim, update the job.
    case claim
    /// sweep.sql: any such jobs, locked in another order than by id; with one free slot only one.
    case sweep
    /// claim_suspect.sql: one job that was on board when a worker died.
    case suspect
    /// settle.sql. Scan: the jobs of the outcomes, and which of their claims stand. Steps: lock,
    /// delete the claim if it is the outcome's own, update the job, free its unique key.
    case settle
    /// reap.sql. Scan: claims whose worker has no row. Steps: as settle.sql's. bury.sql, which
    /// takes that row away, is one step of the world.
    case reap
    /// cancel.sql. Scan: the jobs, their versions, their claims. Steps: as settle.sql's, for a job
    /// whose version is still that of the scan.
    case cancel
    /// retry.sql. Steps: lock, take the unique key for a job that was over, update the job.
    case retry
    /// promote.sql. Scan: scheduled jobs that are due. Steps: lock, update the job.
    case promote
}

/// What a statement does to one row, at one moment.
enum Step: UInt8 {
    /// `FOR NO KEY UPDATE … SKIP LOCKED` reaches the row.
    case lock
    /// `INSERT … ON CONFLICT (job_id) DO NOTHING`.
    case insertClaim
    /// `DELETE FROM executing_job`.
    case deleteClaim
    /// `UPDATE job`.
    case writeJob
    /// `INSERT INTO unique_key … ON CONFLICT (key) DO NOTHING`.
    case takeKey
    /// `DELETE FROM unique_key`.
    case freeKey
}

extension Statement {
    var isClaim: Bool { rawValue <= Statement.suspect.rawValue }
    var freesKey: Bool { self == .settle || self == .reap || self == .cancel }

    /// The steps for each row, in the order of its CTEs.
    func steps(with fault: Fault) -> [Step] {
        switch self {
        case .claim, .sweep, .suspect:
            fault == .naiveClaim ? Self.naiveClaimSteps : Self.claimSteps
        case .settle where fault == .claimFirstSettle: Self.claimFirstSteps
        case .settle, .reap, .cancel: Self.endSteps
        case .retry: Self.retrySteps
        case .promote: Self.promoteSteps
        }
    }

    private static let claimSteps: [Step] = [.lock, .insertClaim, .writeJob]
    private static let naiveClaimSteps: [Step] = [.insertClaim, .writeJob]
    private static let endSteps: [Step] = [.lock, .deleteClaim, .writeJob, .freeKey]
    private static let claimFirstSteps: [Step] = [.deleteClaim, .writeJob, .freeKey]
    private static let retrySteps: [Step] = [.lock, .takeKey, .writeJob]
    private static let promoteSteps: [Step] = [.lock, .writeJob]
}
