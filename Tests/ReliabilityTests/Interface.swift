/// What people and their scripts depend on, each with the test that tries it.
///
/// InterfaceTests compares this with what there is: a command, a route, a table or a function that
/// is not here, or is here and nowhere else, fails; so does a test that is not there, or that never
/// speaks of what it is said to try, neither itself nor in a helper that it calls.
enum Interface {
    /// A file below Tests and the name of a test in it.
    struct Trial: Sendable {
        let file: String
        let test: String

        init(_ file: String, _ test: String) {
            self.file = file
            self.test = test
        }
    }

    static let commands: [String: Trial] = [
        "migrate": Trial(
            "TasqCLITests/ProgramTests",
            "A database without the schema exits 78 and says to migrate"),
        "serve": Trial(
            "TasqCLITests/WorkTests",
            "A server prints its addresses, serves, and SIGTERM ends it with 0"),
        "work": Trial(
            "TasqCLITests/WorkTests",
            "Jobs are run with Redis and without, and SIGTERM ends the worker with 0"),
        "enqueue": Trial(
            "TasqCLITests/EnqueueTests", "The id is printed and the row says what the flags said"),
        "jobs list": Trial(
            "TasqCLITests/WorkTests", "Lists page by cursor and show what stands in the table"),
        "jobs show": Trial(
            "TasqCLITests/WorkTests", "Lists page by cursor and show what stands in the table"),
        "jobs retry": Trial(
            "TasqCLITests/JobActionTests",
            "Several jobs are acted on at once, and each refusal is a line"),
        "jobs cancel": Trial(
            "TasqCLITests/JobActionTests",
            "A running job that is cancelled has its handler's task cancelled"),
        "jobs delete": Trial(
            "TasqCLITests/JobActionTests",
            "Several jobs are acted on at once, and each refusal is a line"),
        "events list": Trial(
            "TasqCLITests/EventsCommandTests",
            "Events are listed by source, time and what became of their jobs, page by page"),
        "events show": Trial(
            "TasqCLITests/EventsCommandTests",
            "An event is shown with its jobs and body, and no credential"),
        "events replay": Trial(
            "TasqCLITests/EventsCommandTests",
            "Events are replayed by id, and each that is none is a line"),
        "replay": Trial(
            "TasqCLITests/EventsCommandTests",
            "Events are replayed by filter, the oldest first; all of them only if that is said"),
        "queues list": Trial(
            "TasqCLITests/OperateTests",
            "A paused queue waits, says so, and goes on when it is resumed"),
        "queues pause": Trial(
            "TasqCLITests/OperateTests",
            "A paused queue waits, says so, and goes on when it is resumed"),
        "queues resume": Trial(
            "TasqCLITests/OperateTests",
            "A paused queue waits, says so, and goes on when it is resumed"),
        "workers list": Trial(
            "TasqCLITests/WorkTests",
            "Jobs are run with Redis and without, and SIGTERM ends the worker with 0"),
        "schedules list": schedules, "schedules add": schedules, "schedules next": schedules,
        "schedules pause": schedules, "schedules resume": schedules, "schedules run": schedules,
        "schedules delete": schedules,
        "limits list": limits, "limits set": limits, "limits clear": limits,
        "top": Trial(
            "TasqCLITests/TopTests",
            "--once --json is one object with the state, the rates and the waits"),
        "explain": Trial("TasqCLITests/ReasonTests", "Paused queue"),
        "prune": Trial(
            "TasqCLITests/PruneTests",
            "A dry run counts and changes nothing, and a prune deletes what is told"),
        "repair": Trial(
            "TasqCLITests/RepairTests",
            "What verify finds is mended, and what a person must decide is left"),
        "verify": Trial(
            "TasqCLITests/VerifyTests", "A violation planted in the tables is found"),
        "doctor": Trial(
            "TasqCLITests/DoctorTests", "A system that is well is told so, line by line"),
        "config check": Trial(
            "TasqCLITests/ConfigCommandTests",
            "check says all mistakes at once, with line and nearest key, and exits 78"),
        "config show": Trial(
            "TasqCLITests/ConfigCommandTests",
            "show says where each value came from and no secret"),
        "webhook verify": Trial(
            "TasqCLITests/WebhookCommandTests",
            "Published samples are accepted, and refused with the reason when altered"),
        "webhook send": Trial(
            "TasqCLITests/WebhookCommandTests",
            "A sample of every scheme is taken by the server, its answer printed"),
        "dev": Trial(
            "TasqCLITests/DevTests", "The demo runs to its end and loses nothing"),
        "bench": Trial(
            "TasqCLITests/Bench/BenchTests",
            "Every scenario runs to its end in the smallest size"),
    ]

    private static let schedules = Trial(
        "TasqCLITests/SchedulesTests",
        "A schedule is added, listed, paused, resumed, run and deleted")

    private static let limits = Trial(
        "TasqCLITests/LimitsTests",
        "A limit is set, listed and cleared, and a full queue is 75 and one line")

    static let ingestRoutes: [String: Trial] = [
        "POST /in/{source}": Trial(
            "TasqHTTPTests/IngestTests",
            "A signed event is answered with 202 once it and its job are committed")
    ]

    static let adminRoutes: [String: Trial] = [
        "POST /v1/jobs": Trial(
            "TasqHTTPTests/AdminTests",
            "An enqueued job is in the table as it was asked for, its payload byte for byte"),
        "GET /v1/jobs": jobLists, "GET /v1/jobs/{id}": jobLists,
        "GET /v1/jobs/{id}/attempts": jobLists,
        "GET /v1/jobs/{id}/explain": Trial("TasqCLITests/ReasonTests", "Not due yet"),
        "POST /v1/jobs/{id}/retry": jobActions, "POST /v1/jobs/{id}/cancel": jobActions,
        "DELETE /v1/jobs/{id}": jobActions,
        "POST /v1/bulk": Trial(
            "TasqHTTPTests/BulkTests",
            "A bulk action runs in the background and tells what it did"),
        "GET /v1/bulk/{id}": Trial(
            "TasqHTTPTests/BulkTests",
            "A bulk action runs in the background and tells what it did"),
        "DELETE /v1/bulk/{id}": Trial(
            "TasqHTTPTests/BulkTests", "One that is called off over HTTP stops"),
        "GET /v1/queues": jobLists,
        "GET /v1/workers": Trial(
            "TasqHTTPTests/ClaimTests", "The worker of a claim is listed, field by field"),
        "POST /v1/queues/{name}/pause": pause, "POST /v1/queues/{name}/resume": pause,
        "GET /v1/stats": pause,
        "GET /v1/schedules": scheduled, "GET /v1/schedules/{name}": scheduled,
        "PUT /v1/schedules/{name}": scheduled,
        "DELETE /v1/schedules/{name}": scheduled, "POST /v1/schedules/{name}/pause": scheduled,
        "POST /v1/schedules/{name}/resume": scheduled,
        "POST /v1/schedules/{name}/run": scheduled,
        "GET /v1/limits": limited, "GET /v1/limits/{queue}": limited,
        "PUT /v1/limits/{queue}": limited, "DELETE /v1/limits/{queue}": limited,
        "GET /v1/held-back": heldBack, "GET /held-back": heldBack,
        "GET /v1/events": Trial(
            "TasqHTTPTests/EventTests",
            "Events are listed newest first, page by page, by source and time"),
        "GET /v1/events/{id}": eventShown, "GET /v1/events/{id}/body": eventShown,
        "POST /v1/events/{id}/replay": Trial(
            "TasqHTTPTests/EventTests",
            "A replay makes the event's jobs anew, but none beside one of its unique key"),
        "GET /v1/stream": Trial(
            "TasqHTTPTests/StreamTests",
            "A watcher hears of a start, a success, a failure and of rest"),
        "POST /v1/claims": claimed, "POST /v1/claims/{token}/success": claimed,
        "POST /v1/claims/{token}/heartbeat": claimed,
        "GET /v1/claims/{token}/payload": Trial(
            "TasqCLITests/LargeBodies/LargeWebhookTests",
            "A remote claim names a large body, which is read for as long as the claim is held"),
        "POST /v1/claims/{token}/fail": claimEnds, "POST /v1/claims/{token}/snooze": claimEnds,
        "GET /healthz": Trial(
            "TasqHTTPTests/AdminTests",
            "A token opens what its role allows and nothing opens without one"),
        "GET /readyz": Trial(
            "TasqHTTPTests/AdminTests", "Redis down is told by readyz and changes nothing"),
        "GET /metrics": Trial(
            "TasqHTTPTests/AdminTests",
            "Metrics tell what was accepted, refused and waits"),
        "GET /openapi.yaml": Trial(
            "TasqHTTPTests/OpenAPITests",
            "The specification is served as it stands in the source"),
        "GET /": pages, "GET /jobs": pages, "GET /jobs/{id}": pages, "GET /queues": pages,
        "GET /workers": pages, "GET /events": pages, "GET /events/{id}": pages,
        "GET /dashboard.css": pages, "GET /dashboard.js": pages,
        "GET /login": login, "POST /login": login, "POST /logout": login,
        "GET /jobs/{id}/retry": jobForms, "POST /jobs/{id}/retry": jobForms,
        "GET /jobs/{id}/cancel": jobForms, "POST /jobs/{id}/cancel": jobForms,
        "GET /jobs/{id}/delete": jobForms, "POST /jobs/{id}/delete": jobForms,
        "GET /schedules": scheduleForms, "GET /schedules/pause": scheduleForms,
        "POST /schedules/pause": scheduleForms, "GET /schedules/resume": scheduleForms,
        "POST /schedules/resume": scheduleForms,
        "GET /schedules/edit": scheduleEdited, "POST /schedules/edit": scheduleEdited,
        "GET /queues/pause": queueForms, "POST /queues/pause": queueForms,
        "GET /queues/resume": queueForms, "POST /queues/resume": queueForms,
        "GET /events/{id}/replay": eventForms, "POST /events/{id}/replay": eventForms,
        "GET /bulk": bulkForms, "POST /bulk": bulkForms, "GET /bulk/{id}": bulkForms,
        "POST /bulk/{id}/stop": Trial(
            "TasqHTTPTests/DashboardBulkTests", "What runs is called off from its page"),
        "GET /jobs/{id}/payload": Trial(
            "TasqHTTPTests/DashboardJobTests",
            "A payload is shown in lines, and downloaded byte for byte"),
        "GET /find": Trial(
            "TasqHTTPTests/DashboardFindTests",
            "An id leads to its job or its event, whatever blanks stand around it"),
    ]

    private static let heldBack = Trial(
        "TasqHTTPTests/HeldBackTests",
        "A target is told once, as the job says of it that was put off last")
    private static let jobLists = Trial(
        "TasqHTTPTests/AdminTests", "Jobs are listed by filter and page, and shown by id")
    private static let jobActions = Trial(
        "TasqHTTPTests/JobActionTests",
        "A job is retried, cancelled and deleted, and refused where its status forbids it")
    private static let pause = Trial(
        "TasqHTTPTests/BulkTests", "A paused queue is claimed by nobody, and its stats say so")
    private static let scheduled = Trial(
        "TasqHTTPTests/ScheduleTests",
        "A schedule is put in, listed, paused, resumed, run and deleted")
    private static let limited = Trial(
        "TasqHTTPTests/LimitTests", "A limit is set, listed, shown, changed and taken away")
    private static let eventShown = Trial(
        "TasqHTTPTests/EventTests",
        "An event shows its jobs and headers, and its body byte for byte but harmless")
    private static let claimed = Trial(
        "TasqHTTPTests/ClaimTests",
        "A claimed job is executing under the worker's own row, and success ends it")
    private static let claimEnds = Trial(
        "TasqHTTPTests/ClaimTests",
        "Fail retries while attempts last and says when not, snooze costs none")
    private static let pages = Trial(
        "TasqHTTPTests/DashboardTests",
        "Every page is drawn, with a policy that allows nothing inline")
    private static let login = Trial(
        "TasqHTTPTests/DashboardTests",
        "A login gives a cookie that reads, and writes only from its own origin")
    private static let jobForms = Trial(
        "TasqHTTPTests/DashboardFormTests",
        "A job is retried, cancelled and deleted from its page, each time asked first")
    private static let queueForms = Trial(
        "TasqHTTPTests/DashboardFormTests",
        "A queue is paused and resumed, whatever it is called")
    private static let scheduleEdited = Trial(
        "TasqHTTPTests/DashboardFormTests",
        "A schedule is edited on a page that shows its next ticks first")
    private static let scheduleForms = Trial(
        "TasqHTTPTests/DashboardFormTests", "A schedule is shown, paused and resumed")
    private static let bulkForms = Trial(
        "TasqHTTPTests/DashboardBulkTests",
        "All jobs that match are counted, and cancelled once that is confirmed")
    private static let eventForms = Trial(
        "TasqHTTPTests/DashboardFormTests",
        "An event is replayed from its page, which then shows the new job")

    /// Tables and functions of the schema.
    static let database: [String: Trial] = [
        "tasq.job": Trial(
            "TasqPostgresTests/Store/EnqueueTests",
            "A job enqueued alone leaves the row it leaves among others"),
        "tasq.payload": Trial(
            "TasqPostgresTests/Store/OperateTests", "A body goes with the last job that uses it"),
        "tasq.executing_job": Trial(
            "TasqPostgresTests/Store/SettleTests",
            "Every outcome leaves the row, the claim and the record it should"),
        "tasq.worker": Trial(
            "TasqHTTPTests/ClaimTests",
            "A claimed job is executing under the worker's own row, and success ends it"),
        "tasq.past_worker": Trial(
            "TasqPostgresTests/Store/PastWorkerTests",
            "An attempt tells where it ran, whichever way its worker went"),
        "tasq.attempt": Trial(
            "TasqHTTPTests/ClaimTests",
            "Fail retries while attempts last and says when not, snooze costs none"),
        "tasq.unique_key": Trial(
            "TasqPostgresTests/Store/OperateTests",
            "A retry takes its unique key again, or is refused with the job that has it"),
        "tasq.queue_setting": Trial(
            "TasqPostgresTests/Store/ClaimTests",
            "Only what is queued, due, on a served and running queue is claimed"),
        "tasq.flow_limit": Trial(
            "TasqPostgresTests/Store/LimitTests",
            "A limit stands as it was set, until it is cleared"),
        "tasq.leader": Trial(
            "TasqPostgresTests/Store/TermTests",
            "One holder at a time, whatever the clock says, until its term is seen to stand still"),
        "tasq.setting": Trial(
            "TasqPostgresTests/Store/TermTests",
            "One holder at a time, whatever the clock says, until its term is seen to stand still"),
        "tasq.schedule": Trial(
            "TasqPostgresTests/Store/ScheduleTests",
            "A schedule stands as it was put in, and its ticks have jobs that say when"),
        "tasq.schedule_tick": Trial(
            "TasqPostgresTests/Store/SchedulerTests", "A tick that many fire at once has one job"),
        "tasq.put_schedule": Trial(
            "TasqPostgresTests/Store/SchedulerTests",
            "The holder of the term plans what SQL put in, fires it, and says what is wrong"),
        "tasq.schema_version": Trial(
            "TasqPostgresTests/Session/MigratorTests",
            "Ten processes at once apply each migration once"),
        "tasq.bulk": Trial(
            "TasqHTTPTests/BulkTests",
            "One whose server died is taken up where it stood, and one called off is not"),
        "tasq.enqueue": Trial(
            "TasqPostgresTests/Store/EnqueueTests",
            "SQL enqueues inside anybody's transaction and rolls back with it"),
        "tasq.store": Trial(
            "TasqCLITests/RoleTests",
            "A role that may only enqueue does so, and gets nothing else"),
        "tasq.ring": Trial(
            "TasqCLITests/RoleTests",
            "A role that may only enqueue does so, and gets nothing else"),
        "tasq.granted": Trial(
            "TasqCLITests/RoleTests",
            "What was granted is there again after every later migration"),
        "tasq.tally": Trial(
            "TasqPostgresTests/Store/TallyTests",
            "Sums are noted as work is done, and forgotten after a day"),
        "tasq.uuid_v7": Trial(
            "TasqPostgresTests/Store/EnqueueTests",
            "SQL enqueues inside anybody's transaction and rolls back with it"),
    ]
}
