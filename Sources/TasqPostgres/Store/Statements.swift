import Tasq

/// Every statement of the store, one `.sql` file each, with its parts and the schema's name in place.
package struct Statements: Sendable {
    let accept: Statement
    let acceptedBefore: Statement
    let announceable: Statement
    let attend: Statement
    let attempts: Statement
    let beat: Statement
    let bodies: Statement
    let bulk: Statement
    let bulkAdvance: Statement
    let bulkHold: Statement
    let bulkHolds: Statement
    let bulkStart: Statement
    let bulkStop: Statement
    let bury: Statement
    let cancel: Statement
    let checkup: Statement
    let claim: Statement
    let claimSuspect: Statement
    let claims: Statement
    let confirm: Statement
    let delete: Statement
    let declare: Statement
    let deregister: Statement
    let enqueue: Statement
    let enqueueAgain: Statement
    let enqueueOne: Statement
    let enqueueUnique: Statement
    let event: Statement
    let eventJobs: Statement
    let eventOutcomes: Statement
    let events: Statement
    let expired: Statement
    let explain: Statement
    let failures: Statement
    let grant: Statement
    let grants: Statement
    let hasten: Statement
    let heldBody: Statement
    let identity: Statement
    let job: Statement
    let jobs: Statement
    let jobsFew: Statement
    let kinds: Statement
    let lead: Statement
    let limitClear: Statement
    let limitPut: Statement
    let limits: Statement
    let lock: Statement
    let look: Statement
    let matching: Statement
    let matchingErrors: Statement
    let matchingEvents: Statement
    let pause: Statement
    let payload: Statement
    let piece: Statement
    let ping: Statement
    let promote: Statement
    let prune: Statement
    let pulse: Statement
    let putOff: Statement
    let queued: Statement
    let queues: Statement
    let reap: Statement
    let rearm: Statement
    let release: Statement
    let register: Statement
    let renew: Statement
    let repair: Statement
    let repairEpoch: Statement
    let replace: Statement
    let replay: Statement
    let reschedule: Statement
    let retire: Statement
    let retry: Statement
    let revoked: Statement
    let scheduleDelete: Statement
    let schedulePause: Statement
    let schedulePut: Statement
    let schedules: Statement
    let schedulesDue: Statement
    let schedulesFire: Statement
    package let settle: Statement
    let settledBefore: Statement
    let stillQueued: Statement
    let storedBody: Statement
    package let sweep: Statement
    let system: Statement
    let tableSizes: Statement
    let tallies: Statement
    let tally: Statement
    let turn: Statement
    let uniqueHolders: Statement
    let unknownKinds: Statement
    let vacuumHolders: Statement
    let verifyClaims: Statement
    let verifyJobs: Statement
    let verifyKeys: Statement
    let verifySchema: Statement
    let workers: Statement
    let yieldKey: Statement

    /// All of them, for checks that hold for every statement.
    let all: [Statement]

    package init(schema: String, editing edit: (Statement) -> Statement = { $0 }) {
        var all: [Statement] = []
        func load(_ file: String, isPlannedAnew: Bool = false) -> Statement {
            let statement = edit(
                Statement(
                    name: "tasq_" + file, text: sql(file, in: schema),
                    isPlannedAnew: isPlannedAnew))
            all.append(statement)
            return statement
        }
        accept = load("accept")
        acceptedBefore = load("accepted_before")
        announceable = load("announceable")
        attend = load("attend")
        attempts = load("attempts")
        beat = load("beat")
        bodies = load("bodies")
        bulk = load("bulk")
        bulkAdvance = load("bulk_advance")
        bulkHold = load("bulk_hold")
        bulkHolds = load("bulk_holds")
        bulkStart = load("bulk_start")
        bulkStop = load("bulk_stop")
        bury = load("bury")
        cancel = load("cancel")
        checkup = load("checkup")
        claim = load("claim")
        claimSuspect = load("claim_suspect")
        claims = load("claims")
        confirm = load("confirm")
        delete = load("delete")
        declare = load("declare")
        deregister = load("deregister")
        enqueue = load("enqueue")
        enqueueAgain = load("enqueue_again")
        enqueueOne = load("enqueue_one")
        enqueueUnique = load("enqueue_unique")
        event = load("event")
        eventJobs = load("event_jobs")
        eventOutcomes = load("event_outcomes")
        events = load("events", isPlannedAnew: true)
        expired = load("expired")
        explain = load("explain")
        failures = load("failures")
        grant = load("grant")
        grants = load("grants")
        hasten = load("hasten")
        heldBody = load("held_body")
        identity = load("identity")
        job = load("job")
        jobs = load("jobs", isPlannedAnew: true)
        jobsFew = load("jobs_few", isPlannedAnew: true)
        kinds = load("kinds", isPlannedAnew: true)
        lead = load("lead")
        limitClear = load("limit_clear")
        limitPut = load("limit_put")
        limits = load("limits")
        lock = load("lock")
        look = load("look")
        matching = load("matching")
        matchingErrors = load("matching_errors")
        matchingEvents = load("matching_events", isPlannedAnew: true)
        pause = load("pause")
        payload = load("payload")
        piece = load("piece")
        ping = load("ping")
        promote = load("promote")
        prune = load("prune")
        pulse = load("pulse")
        putOff = load("put_off")
        queued = load("queued")
        queues = load("queues")
        reap = load("reap")
        rearm = load("rearm")
        release = load("release")
        register = load("register")
        renew = load("renew")
        repair = load("repair")
        repairEpoch = load("repair_epoch")
        replace = load("replace")
        replay = load("replay")
        reschedule = load("reschedule")
        retire = load("retire")
        retry = load("retry")
        revoked = load("revoked")
        scheduleDelete = load("schedule_delete")
        schedulePause = load("schedule_pause")
        schedulePut = load("schedule_put")
        schedules = load("schedules")
        schedulesDue = load("schedules_due")
        schedulesFire = load("schedules_fire")
        settle = load("settle")
        settledBefore = load("settled_before")
        stillQueued = load("still_queued")
        storedBody = load("stored_body")
        sweep = load("sweep")
        system = load("system")
        tableSizes = load("table_sizes")
        tallies = load("tallies")
        tally = load("tally")
        turn = load("turn")
        uniqueHolders = load("unique_holders")
        unknownKinds = load("unknown_kinds")
        vacuumHolders = load("vacuum_holders")
        verifyClaims = load("verify_claims")
        verifyJobs = load("verify_jobs")
        verifyKeys = load("verify_keys")
        verifySchema = load("verify_schema")
        workers = load("workers")
        yieldKey = load("yield_key")
        self.all = all
    }
}

extension Migration {
    private static let folder = "TasqPostgres/SQL/migrations/"

    /// The schema's history, in order; forward only. Its files are called by number and name, as in
    /// `0001_core.sql`.
    package static func all(schema: String) -> [Migration] {
        EmbeddedFile.paths(startingWith: folder).compactMap { path -> Migration? in
            let file = path.dropFirst(folder.count).dropLast(".sql".count)
            guard let number = Int(file.prefix(4)) else { return nil }
            return Migration(
                number: number, name: String(file.dropFirst(5)),
                text: sql("migrations/\(file)", in: schema), oldest: 1)
        }
    }
}

/// The text of a file of SQL for a schema. The files say `tasq.` and `'tasq'`, so that those without
/// parts run in psql as they are; the name put in their place was checked when the settings were read.
func sql(_ file: String, in schema: String) -> String {
    var text = EmbeddedFile.text("TasqPostgres/SQL/\(file).sql")
    // Most texts have no parts, and every start of a program looks through all of them.
    if text.utf8.contains(UInt8(ascii: "@")) {
        text = JobOption.numbered(SQLParts.all.assembled(text))
    }
    guard schema != "tasq" else { return text }
    return text.replacing("tasq.", with: schema + ".")
        .replacing("'tasq'", with: "'" + schema + "'")
}
