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
    let explain: Statement
    let failures: Statement
    let grant: Statement
    let grants: Statement
    let heldBody: Statement
    let identity: Statement
    let job: Statement
    let jobs: Statement
    let jobsFew: Statement
    let kinds: Statement
    let lead: Statement
    let lock: Statement
    let look: Statement
    let matching: Statement
    let matchingErrors: Statement
    let pause: Statement
    let payload: Statement
    let piece: Statement
    let ping: Statement
    let promote: Statement
    let pulse: Statement
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
        func load(
            _ name: String, _ file: [UInt8], isPlannedAnew: Bool = false
        ) -> Statement {
            let statement = edit(
                Statement(
                    name: "tasq_" + name, text: sql(file, in: schema),
                    isPlannedAnew: isPlannedAnew))
            all.append(statement)
            return statement
        }
        accept = load("accept", PackageResources.accept_sql)
        acceptedBefore = load("accepted_before", PackageResources.accepted_before_sql)
        announceable = load("announceable", PackageResources.announceable_sql)
        attend = load("attend", PackageResources.attend_sql)
        attempts = load("attempts", PackageResources.attempts_sql)
        beat = load("beat", PackageResources.beat_sql)
        bodies = load("bodies", PackageResources.bodies_sql)
        bulk = load("bulk", PackageResources.bulk_sql)
        bulkAdvance = load("bulk_advance", PackageResources.bulk_advance_sql)
        bulkHold = load("bulk_hold", PackageResources.bulk_hold_sql)
        bulkHolds = load("bulk_holds", PackageResources.bulk_holds_sql)
        bulkStart = load("bulk_start", PackageResources.bulk_start_sql)
        bulkStop = load("bulk_stop", PackageResources.bulk_stop_sql)
        bury = load("bury", PackageResources.bury_sql)
        cancel = load("cancel", PackageResources.cancel_sql)
        checkup = load("checkup", PackageResources.checkup_sql)
        claim = load("claim", PackageResources.claim_sql)
        claimSuspect = load("claim_suspect", PackageResources.claim_suspect_sql)
        claims = load("claims", PackageResources.claims_sql)
        confirm = load("confirm", PackageResources.confirm_sql)
        delete = load("delete", PackageResources.delete_sql)
        declare = load("declare", PackageResources.declare_sql)
        deregister = load("deregister", PackageResources.deregister_sql)
        enqueue = load("enqueue", PackageResources.enqueue_sql)
        enqueueAgain = load("enqueue_again", PackageResources.enqueue_again_sql)
        enqueueOne = load("enqueue_one", PackageResources.enqueue_one_sql)
        enqueueUnique = load("enqueue_unique", PackageResources.enqueue_unique_sql)
        event = load("event", PackageResources.event_sql)
        eventJobs = load("event_jobs", PackageResources.event_jobs_sql)
        eventOutcomes = load("event_outcomes", PackageResources.event_outcomes_sql)
        events = load("events", PackageResources.events_sql, isPlannedAnew: true)
        explain = load("explain", PackageResources.explain_sql)
        failures = load("failures", PackageResources.failures_sql)
        grant = load("grant", PackageResources.grant_sql)
        grants = load("grants", PackageResources.grants_sql)
        heldBody = load("held_body", PackageResources.held_body_sql)
        identity = load("identity", PackageResources.identity_sql)
        job = load("job", PackageResources.job_sql)
        jobs = load("jobs", PackageResources.jobs_sql, isPlannedAnew: true)
        jobsFew = load("jobs_few", PackageResources.jobs_few_sql, isPlannedAnew: true)
        kinds = load("kinds", PackageResources.kinds_sql, isPlannedAnew: true)
        lead = load("lead", PackageResources.lead_sql)
        lock = load("lock", PackageResources.lock_sql)
        look = load("look", PackageResources.look_sql)
        matching = load("matching", PackageResources.matching_sql)
        matchingErrors = load("matching_errors", PackageResources.matching_errors_sql)
        pause = load("pause", PackageResources.pause_sql)
        payload = load("payload", PackageResources.payload_sql)
        piece = load("piece", PackageResources.piece_sql)
        ping = load("ping", PackageResources.ping_sql)
        promote = load("promote", PackageResources.promote_sql)
        pulse = load("pulse", PackageResources.pulse_sql)
        queued = load("queued", PackageResources.queued_sql)
        queues = load("queues", PackageResources.queues_sql)
        reap = load("reap", PackageResources.reap_sql)
        rearm = load("rearm", PackageResources.rearm_sql)
        release = load("release", PackageResources.release_sql)
        register = load("register", PackageResources.register_sql)
        renew = load("renew", PackageResources.renew_sql)
        repair = load("repair", PackageResources.repair_sql)
        repairEpoch = load("repair_epoch", PackageResources.repair_epoch_sql)
        replace = load("replace", PackageResources.replace_sql)
        replay = load("replay", PackageResources.replay_sql)
        reschedule = load("reschedule", PackageResources.reschedule_sql)
        retire = load("retire", PackageResources.retire_sql)
        retry = load("retry", PackageResources.retry_sql)
        revoked = load("revoked", PackageResources.revoked_sql)
        scheduleDelete = load("schedule_delete", PackageResources.schedule_delete_sql)
        schedulePause = load("schedule_pause", PackageResources.schedule_pause_sql)
        schedulePut = load("schedule_put", PackageResources.schedule_put_sql)
        schedules = load("schedules", PackageResources.schedules_sql)
        schedulesDue = load("schedules_due", PackageResources.schedules_due_sql)
        schedulesFire = load("schedules_fire", PackageResources.schedules_fire_sql)
        settle = load("settle", PackageResources.settle_sql)
        settledBefore = load("settled_before", PackageResources.settled_before_sql)
        stillQueued = load("still_queued", PackageResources.still_queued_sql)
        storedBody = load("stored_body", PackageResources.stored_body_sql)
        sweep = load("sweep", PackageResources.sweep_sql)
        system = load("system", PackageResources.system_sql)
        tableSizes = load("table_sizes", PackageResources.table_sizes_sql)
        tallies = load("tallies", PackageResources.tallies_sql)
        tally = load("tally", PackageResources.tally_sql)
        turn = load("turn", PackageResources.turn_sql)
        uniqueHolders = load("unique_holders", PackageResources.unique_holders_sql)
        unknownKinds = load("unknown_kinds", PackageResources.unknown_kinds_sql)
        vacuumHolders = load("vacuum_holders", PackageResources.vacuum_holders_sql)
        verifyClaims = load("verify_claims", PackageResources.verify_claims_sql)
        verifyJobs = load("verify_jobs", PackageResources.verify_jobs_sql)
        verifyKeys = load("verify_keys", PackageResources.verify_keys_sql)
        verifySchema = load("verify_schema", PackageResources.verify_schema_sql)
        workers = load("workers", PackageResources.workers_sql)
        yieldKey = load("yield_key", PackageResources.yield_key_sql)
        self.all = all
    }
}

extension Migration {
    /// The schema's history, in order; forward only.
    package static func all(schema: String) -> [Migration] {
        [
            Migration(
                number: 1, name: "core",
                text: sql(PackageResources._001_core_sql, in: schema), oldest: 1),
            Migration(
                number: 2, name: "enqueue",
                text: sql(PackageResources._002_enqueue_sql, in: schema), oldest: 1),
            Migration(
                number: 3, name: "operate",
                text: sql(PackageResources._003_operate_sql, in: schema), oldest: 1),
            Migration(
                number: 4, name: "events",
                text: sql(PackageResources._004_events_sql, in: schema), oldest: 1),
            Migration(
                number: 5, name: "names",
                text: sql(PackageResources._005_names_sql, in: schema), oldest: 1),
            Migration(
                number: 6, name: "kinds",
                text: sql(PackageResources._006_kinds_sql, in: schema), oldest: 1),
            Migration(
                number: 7, name: "attempts",
                text: sql(PackageResources._007_attempts_sql, in: schema), oldest: 1),
            Migration(
                number: 8, name: "order",
                text: sql(PackageResources._008_order_sql, in: schema), oldest: 1),
            Migration(
                number: 9, name: "roles",
                text: sql(PackageResources._009_roles_sql, in: schema), oldest: 1),
            Migration(
                number: 10, name: "lists",
                text: sql(PackageResources._010_lists_sql, in: schema), oldest: 1),
            Migration(
                number: 11, name: "policies",
                text: sql(PackageResources._011_policies_sql, in: schema), oldest: 1),
            Migration(
                number: 12, name: "failures",
                text: sql(PackageResources._012_failures_sql, in: schema), oldest: 1),
            Migration(
                number: 13, name: "oldest",
                text: sql(PackageResources._013_oldest_sql, in: schema), oldest: 1),
            Migration(
                number: 14, name: "schedules",
                text: sql(PackageResources._014_schedules_sql, in: schema), oldest: 1),
            Migration(
                number: 15, name: "past_workers",
                text: sql(PackageResources._015_past_workers_sql, in: schema), oldest: 1),
        ]
    }
}

/// A file's text for a schema. The files say `tasq.` and `'tasq'`, so that those without parts run in
/// psql as they are; the name put in their place was checked when the settings were read.
func sql(_ file: [UInt8], in schema: String) -> String {
    let text = SQLParts.all.assembled(String(decoding: file, as: UTF8.self))
    guard schema != "tasq" else { return text }
    return text.replacing("tasq.", with: schema + ".")
        .replacing("'tasq'", with: "'" + schema + "'")
}
