/// Something that must never be, as ``Verification`` found it in two looks.
public struct Violation: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A job is executing, but nobody has its claim.
        case executingWithoutClaim = "executing-without-claim"
        /// A claim's worker has no row.
        case claimWithoutWorker = "claim-without-worker"
        /// A job has a claim, but is not executing.
        case claimOfIdleJob = "claim-of-a-job-not-executing"
        /// A job and its claim count attempts differently.
        case attemptMiscounted = "attempt-miscounted"
        /// An unfinished job does not hold its unique key.
        case uniqueKeyNotHeld = "unique-key-not-held"
        /// A unique key belongs to a job that is over or gone.
        case uniqueKeyOfFinishedJob = "unique-key-of-a-finished-job"
        /// A unique key belongs to a job that does not have it.
        case uniqueKeyOfAnother = "unique-key-its-job-has-not"
        /// An unfinished job has no body.
        case bodyMissing = "body-missing"
        /// A job waits with its attempts used up.
        case noAttemptLeft = "no-attempt-left"
        /// A job is queued, but not due for an hour or more.
        case queuedNotDue = "queued-not-due"
        /// A job has been due for a day, and is still scheduled.
        case scheduledOverdue = "scheduled-overdue"
        /// A job waits for a time that nobody lives to see.
        case neverDue = "never-due"
        /// An index of the schema is gone or of no use.
        case indexMissing = "index-missing"
        /// The row that names this database to Redis is gone.
        case epochMissing = "epoch-missing"
        /// A job is queued and due, but not in Redis.
        case queuedNotAnnounced = "queued-not-announced"
        /// An element in Redis is no id.
        case announcedNoID = "announced-no-id"
        /// An id in Redis is no queued job's. Named only where that is asked for.
        case announcedNotQueued = "announced-not-queued"

        /// What it means, and the mend, in one line.
        public var text: String {
            switch self {
            case .executingWithoutClaim:
                "it is executing, but nobody holds it: it never ends by itself; "
                    + "set its status to queued"
            case .claimWithoutWorker:
                "its claim names a worker that is not there: while any worker lives, the claim is "
                    + "taken back within seconds; start one"
            case .claimOfIdleJob:
                "it has a claim, but is not executing: delete its row in executing_job"
            case .attemptMiscounted:
                "its claim and its row count its attempts differently: the outcome would be "
                    + "recorded under a wrong number; set both to the higher one"
            case .uniqueKeyNotHeld:
                "it is unfinished, but does not hold its unique key, so a second one may be stored"
            case .uniqueKeyOfFinishedJob:
                "it is over or gone, but still holds a unique key, which nobody else can take: "
                    + "delete the key's row"
            case .uniqueKeyOfAnother:
                "it holds a unique key that is not its own, which nobody else can take: delete the "
                    + "key's row"
            case .queuedNotDue:
                "it is queued, but due in an hour or later, so no worker takes it: up to a day ahead, "
                    + "as where the clock went back, it is made due within seconds, or scheduled "
                    + "again if it was put off, while a worker of its queue lives; one further "
                    + "ahead nobody promotes: set its status to scheduled"
            case .scheduledOverdue:
                "it has been due for a day, but is still scheduled: while any worker lives, it is "
                    + "promoted within a second; start one"
            case .neverDue: "it waits for a time that never comes: retry it, or cancel it"
            case .indexMissing:
                "the index is gone, or was not built to its end: lists or claims read whole tables; "
                    + "build it as the migrations do"
            case .epochMissing:
                "the row is gone, so nobody notices what Redis forgets: insert one with any new UUID"
            case .bodyMissing: "it is unfinished, but its body is gone: it would run without one"
            case .noAttemptLeft:
                "it waits, but has no attempt left, so no worker takes it: cancel it and retry it"
            case .queuedNotAnnounced:
                "it is queued and due, but not in Redis: a sweep finds it while any worker lives"
            case .announcedNoID: "an element that is no job's id: the next worker drops it"
            case .announcedNotQueued:
                "it is in Redis, but not queued, as after its end: a worker drops it in its turn"
            }
        }
    }

    /// What is wrong.
    public let kind: Kind
    /// The job, the queue whose list is meant, the index or the setting.
    public let subject: String

    /// Names what is wrong and with which job or list.
    public init(kind: Kind, subject: String) {
        self.kind = kind
        self.subject = subject
    }
}

/// What a verification looked at and found.
public struct VerificationReport: Sendable, Hashable {
    /// What is wrong, at most ``Verification/violationLimit`` of each walk.
    public internal(set) var violations: [Violation] = []
    /// More was found in the first look than could be looked at again.
    public internal(set) var isCut = false
    /// Jobs, claims and unique keys looked at in the tables.
    public internal(set) var rows = 0
    /// Ids looked at in Redis.
    public internal(set) var announced = 0
    /// Ids in Redis that are no queued job's, as of jobs that are over: workers drop them in their
    /// turn. Counted whether they are named or not.
    public internal(set) var waitingToBeDropped = 0
}

/// What a stretch of a walk found.
public struct FindingPage: Sendable, Hashable {
    /// The job and what is wrong with it.
    public var findings: [Violation]
    /// Where the next stretch starts; `nil` after the last one.
    public var next: String?
    /// How many rows were looked at.
    public var examined: Int

    /// Makes an answer to ``Catalog/findings(in:after:limit:)``.
    public init(findings: [Violation], next: String?, examined: Int) {
        self.findings = findings
        self.next = next
        self.examined = examined
    }
}

/// A table that a verification walks.
public enum VerifiedTable: String, Sendable, Hashable, CaseIterable {
    /// `job`, with bodies and keys.
    case jobs
    /// `executing_job`, with jobs and workers.
    case claims
    /// `unique_key`, with jobs.
    case uniqueKeys = "unique keys"
    /// What the schema must have: its indexes, and the row that names the database.
    case schema
}
