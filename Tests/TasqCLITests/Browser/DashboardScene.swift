import Foundation
import TasqTesting
import Testing

/// A server with a token, a worker, and jobs in every status, before a browser that is logged in.
struct DashboardScene {
    private static let token = "operator"
    /// Where pictures of the pages are wanted, if they are.
    static let pictures = ProcessInfo.processInfo.environment["TASQ_SHOTS"]
    /// How long the worker is kept busy before pictures are taken: what the charts cover.
    private static let busySeconds = 900

    let system: RunningSystem
    let browser: Browser
    /// A job that failed, with long texts of its own.
    let failed: String
    /// A webhook's event.
    let event: String
    /// A bulk action that has ended.
    let bulk: String

    /// Each page by its name.
    var pages: [(name: String, path: String)] {
        [
            ("overview", "/"), ("jobs", "/jobs"), ("errors", "/jobs?status=error"),
            ("retrying", "/jobs?retrying=true"), ("job", "/jobs/\(failed)"), ("queues", "/queues"),
            ("held-back", "/held-back"), ("workers", "/workers"),
            ("schedules", "/schedules"), ("schedule", "/schedules/edit?schedule=nightly"),
            ("events", "/events"), ("event", "/events/\(event)"), ("login", "/login"),
            ("question", "/jobs/\(failed)/retry"), ("pause", "/queues/pause?queue=slow"),
            ("replay", "/events/\(event)/replay"), ("bulk", "/bulk?action=delete&status=error"),
            ("bulk-done", "/bulk/\(bulk)"),
        ]
    }

    static func with(_ body: (DashboardScene) async throws -> Void) async throws {
        try await RunningSystem.with { system in
            system.environment["TASQ_ADMIN_TOKEN"] = token
            system.environment["SECRET"] = "It's a Secret to Everybody"
            let configuration = """
                worker: { grace: 0s, concurrency: 16 }
                sources: { gh: { verify: github, secrets: [env:SECRET] } }
                handlers:
                  long: { sleep: 1h }
                  nap: { sleep: 150ms }
                  fails: { command: ["false"], retry: { base: 1h } }
                  "*": { noop: {} }
                """
            try await system.startServer(configuration)
            try await system.startWorker(configuration)
            let failed = try await fill(system)
            let bulk = try await addBulk(to: system)
            let event = try await deliver(to: system, configuration)
            try await Browser.with { browser in
                let scene = DashboardScene(
                    system: system, browser: browser, failed: failed, event: event, bulk: bulk)
                try await scene.logIn()
                try await body(scene)
            }
        }
    }

    /// Puts jobs in; returns the one that fails.
    private static func fill(_ system: RunningSystem) async throws -> String {
        let name = String(repeating: "long-name.", count: 10)
        let failed = try await system.enqueue(
            "fails", "--max-attempts", "1", "--queue", name, "--key",
            String(repeating: "k", count: 200))
        _ = try await system.enqueue(name)
        _ = try await system.enqueue("long", "--queue", "slow")
        _ = try await system.enqueue("noop", "--delay", "1h")
        let again = try await system.enqueue("noop", "--delay", "2h")
        let pause = try await TasqProgram.run(
            "queues", "pause", "nightly", environment: system.environment)
        #expect(pause.exit == .code(0), "\(pause.errors)")
        _ = try await system.enqueue("noop", "--queue", "nightly")
        let schedule = try await TasqProgram.run(
            "schedules", "add", "nightly", "30 2 */2 * MON-FRI", "noop", "--zone", "Europe/Berlin",
            environment: system.environment)
        #expect(schedule.exit == .code(0), "\(schedule.errors)")
        // Nobody serves its queue: it ends by hand, as it would have.
        try await system.database.execute(
            """
            UPDATE tasq.job SET status = 'error', attempt = 1, finished_at = now()
            WHERE id = '\(failed)';
            INSERT INTO tasq.attempt
                (job_id, claim, attempt, worker_id, outcome, reason, started_at)
            VALUES ('\(failed)', gen_random_uuid(), 1, gen_random_uuid(), 'error',
                repeat('a reason without end; ', 40) || repeat('x', 300), now());
            UPDATE tasq.job SET attempt = 1, claimed_at = now(), put_off_at = now(),
                put_off_reason = 'held back since http://' || repeat('long.', 20) || 'example:80 '
                    || 'failed 7 times in a row, the last time: connection refused'
            WHERE id = '\(again)';
            INSERT INTO tasq.flow_limit (queue, max_depth, max_age_us)
            VALUES ('\(name)', 1, 3600000000), ('nightly', 1000, NULL);
            INSERT INTO tasq.attempt
                (job_id, claim, attempt, worker_id, outcome, reason, started_at)
            VALUES ('\(again)', gen_random_uuid(), 1, gen_random_uuid(), 'retry',
                'connection refused', now())
            """)
        try await system.wait(
            for: "1", "SELECT count(*) FROM tasq.job WHERE status = 'success'")
        return failed
    }

    /// A bulk action as one that has ended leaves it; returns its id.
    private static func addBulk(to system: RunningSystem) async throws -> String {
        try await system.database.execute(
            """
            INSERT INTO tasq.bulk
                (id, action, kind, dry_run, state, examined, matched, changed, finished_at)
            VALUES (tasq.uuid_v7(), 'retry', 'fails', false, 'done', 9, 7, 7, now())
            RETURNING id
            """)
    }

    /// Sends a webhook; returns its event's id.
    private static func deliver(
        to system: RunningSystem, _ configuration: String
    ) async throws -> String {
        let file = try TemporaryFile(configuration)
        let send = try await TasqProgram.run(
            "webhook", "send", "gh", "--config", file.path, "--body", "-", "--header",
            "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958", "--to",
            system.source("gh"), environment: system.environment,
            input: #"{"ref":"refs/heads/main"}"#)
        #expect(send.exit == .code(0), "\(send.errors)")
        try await system.wait(
            for: "success", "SELECT status FROM tasq.job WHERE kind = 'gh'")
        return try await system.database.execute(
            "SELECT payload_id FROM tasq.job WHERE kind = 'gh'")
    }

    private func logIn() async throws {
        try await open("/jobs")
        #expect(try await browser.text("location.pathname") == "/login")
        try await browser.type(Self.token, into: "input[name=token]")
        try await browser.click("button")
        try await eventually("the login leads to the overview") {
            try await browser.text("location.pathname") == "/"
        }
    }

    /// Opens a page and waits until it follows what happens, if it is one that does.
    func open(_ path: String, untilLive isLive: Bool = false) async throws {
        try await browser.open(system.admin + path)
        guard isLive else { return }
        try await eventually("\(path) is live") {
            try await browser.text("document.getElementById('live').textContent") == "live"
        }
    }

    /// What the page's table holds.
    func rows() async throws -> String {
        try await browser.text("(document.querySelector('tbody') || {}).textContent")
    }

    /// What of the page ends to the right of the screen. Lines of charts are clipped.
    func beyond() async throws -> String {
        try await browser.text(
            """
            [...document.querySelectorAll('main *:not(svg *)')]
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.outerHTML.slice(0, 120)).join()
            """)
    }

    /// Keeps the worker busy for as long as the charts go back.
    func work() async throws {
        for second in 0..<Self.busySeconds {
            let count = 50 + 30 * (second / 120 % 3)
            try await system.database.execute(
                """
                SELECT count(tasq.enqueue(
                    CASE WHEN n % 20 = 0 THEN 'fails' ELSE 'nap' END,
                    max_attempts => CASE WHEN n % 40 = 0 THEN 2 ELSE 1 END))
                FROM generate_series(1, \(count)) AS n
                """)
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Writes what the screen shows into the folder for pictures, if there is one.
    func keep(_ name: String) async throws {
        guard let folder = Self.pictures else { return }
        try await browser.picture().write(to: URL(fileURLWithPath: "\(folder)/\(name).png"))
    }
}
