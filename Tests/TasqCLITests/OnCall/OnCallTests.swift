import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What wakes somebody: how it is told, by what its cause is found, and what mends it.
///
/// Prints how long each step took.
@Suite(.medium) struct OnCallTests {
    @Test func `Each of five troubles is told at once, shows its cause, and is mended by one act`()
        async throws
    {
        try await OnCallScene.with { scene in
            try await handlerFails(scene)
            try await redisIsGone(scene)
            try await providerIsSilent(scene)
            try await jobIsStuck(scene)
            try await backlogGrows(scene)
        }
    }

    private func handlerFails(_ scene: OnCallScene) async throws {
        let watch = Watch("a handler that always fails")
        try await scene.failJobs()
        let line = try await scene.worker.waitForLine(containing: "a job has failed")
        #expect(line.contains(" job.kind=mail ") && line.contains("connection refused"), "\(line)")
        let mail: KeyValuePairs = ["queue": "default", "kind": "mail"]
        let page = try await scene.page(scene.system.admin)
        #expect(page["tasq_error_jobs", mail] == 7)
        #expect(page["tasq_retrying_jobs", mail] == 5)
        watch.tell("told by a line and by metrics")
        let overview = try await scene.system.get("/", upTo: 1 << 20)
        let link = "href=\"/jobs?status=error&amp;queue=default&amp;kind=mail\">7</a>"
        #expect(overview.contains(link), "\(overview)")
        let cause = try await scene.run("jobs", "list", "--status", "error")
        let lines = cause.output.split(separator: "\n").dropFirst()
        let told = lines.filter { $0.contains("connection refused") }
        #expect(lines.count == 7 && told.count == 7, "\(cause.output)")
        watch.tell("cause: tasq jobs list --status error")
        try scene.mendHandler()
        let mend = try await scene.run("jobs", "retry", "--status", "error", "--kind", "mail")
        #expect(mend.output == "7 queued", "\(mend.errors)")
        try await scene.waitForMail("scheduled|5\nsuccess|7")
        watch.tell("mended: tasq jobs retry --status error --kind mail")
        let rest = try await scene.run("jobs", "retry", "--retrying", "--kind", "mail")
        #expect(rest.output == "5 queued", "\(rest.errors)")
        try await scene.waitForMail("success|12")
    }

    private func redisIsGone(_ scene: OnCallScene) async throws {
        let watch = Watch("Redis gone")
        await scene.redis.stop()
        _ = try await scene.worker.waitForLine(containing: " warning redis 127.0.0.1:")
        for base in [scene.system.admin, scene.metrics] {
            try await eventually("\(base) tells of it") {
                try await scene.page(base)["tasq_redis_up"] == 0
            }
        }
        watch.tell("told by a line and by metrics")
        let cause = try await scene.run("doctor")
        #expect(cause.exit == .code(1), "\(cause.output)")
        let mend = "check REDIS_URL and that the server runs"
        #expect(cause.output.contains(mend), "\(cause.output)")
        watch.tell("cause: tasq doctor")
        let job = try await scene.system.enqueue("well")
        try await scene.system.wait(
            for: "success", "SELECT status FROM tasq.job WHERE id = '\(job)'")
        watch.tell("a job has run meanwhile")
        try await scene.redis.restart()
        _ = try await scene.worker.waitForLine(containing: " works again")
        for base in [scene.system.admin, scene.metrics] {
            try await eventually("\(base) tells that it is back") {
                try await scene.page(base)["tasq_redis_up"] == 1
            }
        }
        watch.tell("mended: Redis is started")
    }

    private func providerIsSilent(_ scene: OnCallScene) async throws {
        let watch = Watch("a silent provider")
        let refused = try await scene.deliver()
        #expect(refused == .code(1))
        let before = try await scene.page(scene.system.admin)
        #expect(before["tasq_source_accepted_total", ["source": "hook"]] == 0)
        let why: KeyValuePairs = ["source": "hook", "reason": "verification-failed"]
        #expect(before["tasq_source_rejected_total", why] == 1)
        let line = try await scene.server.waitForLine(containing: "a webhook was refused")
        #expect(line.contains("was not made with one of the source's"), "\(line)")
        #expect(line.hasSuffix(" source=hook"), "\(line)")
        watch.tell("told by metrics, and with its cause by a line")
        try await scene.mendSecret()
        let taken = try await scene.deliver()
        #expect(taken == .code(0))
        let after = try await scene.page(scene.system.admin)
        #expect(after["tasq_source_accepted_total", ["source": "hook"]] == 1)
        watch.tell("mended: the secret and SIGHUP")
    }

    private func jobIsStuck(_ scene: OnCallScene) async throws {
        let watch = Watch("a job stuck for an hour")
        let id = try await scene.stick()
        let running: KeyValuePairs = ["queue": "default", "status": "executing"]
        let page = try await scene.page(scene.system.admin)
        #expect(page["tasq_queue_oldest_seconds", running] ?? 0 > 3600)
        watch.tell("told by metrics")
        let cause = try await scene.run("jobs", "list", "--running-longer-than", "1h")
        #expect(cause.output.contains(id), "\(cause.output)")
        watch.tell("cause: tasq jobs list --running-longer-than 1h")
        let mend = try await scene.run("jobs", "cancel", id)
        #expect(mend.output == "\(id) cancelled (was executing)", "\(mend.errors)")
        try await eventually("its slot is free") {
            try await scene.page(scene.metrics)["tasq_slots", ["state": "busy"]] == 0
        }
        watch.tell("mended: tasq jobs cancel ID")
    }

    private func backlogGrows(_ scene: OnCallScene) async throws {
        let watch = Watch("a backlog that grows")
        let id = try await scene.growBacklog()
        let waiting: KeyValuePairs = ["queue": "default", "status": "queued"]
        let page = try await scene.page(scene.system.admin)
        #expect(page["tasq_queue_oldest_seconds", waiting] ?? 0 > 300)
        #expect(page["tasq_queue_paused", ["queue": "default"]] == 1)
        watch.tell("told by metrics")
        let cause = try await scene.run("explain", id)
        #expect(cause.output.contains("Its queue `default` is paused."), "\(cause.output)")
        watch.tell("cause: tasq explain ID")
        let mend = try await scene.run("queues", "resume", "default")
        #expect(mend.exit == .code(0), "\(mend.errors)")
        try await scene.system.wait(
            for: "success", "SELECT status FROM tasq.job WHERE id = '\(id)'")
        watch.tell("mended: tasq queues resume default")
    }
}

/// How long after its beginning what is done about a trouble was done.
private struct Watch {
    private let trouble: String
    private let start = ContinuousClock.now

    init(_ trouble: String) {
        self.trouble = trouble
    }

    func tell(_ step: String) {
        print("on call: \(trouble): \(start.duration(to: .now)): \(step)")
    }
}
