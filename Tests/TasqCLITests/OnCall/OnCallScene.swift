import Foundation
import TasqTesting
import TasqWebhooks
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server and a worker on a Redis of their own, with what most often wakes somebody at hand: each
/// trouble can be made, and mended as the articles say.
struct OnCallScene {
    let system: RunningSystem
    let redis: PrivateRedis
    let server: ChildProcess
    let worker: ChildProcess
    /// Where the worker tells its numbers.
    let metrics: String
    /// A file that is there once the handler of `mail` is mended.
    private let mended: String
    private let secret: TemporaryFile

    static func with(_ body: (OnCallScene) async throws -> Void) async throws {
        let redis = try await PrivateRedis.start()
        try await RunningSystem.with { system in
            let secret = try TemporaryFile("older", name: "secret")
            let mended = secret.directory + "/mended"
            let configuration = """
                worker: { heartbeat: 500ms }
                sources:
                  hook: { verify: github, secrets: ["file:\(secret.path)"], kind: well }
                handlers:
                  well: { noop: {} }
                  nap: { sleep: 6h }
                  mail:
                    command:
                      - /bin/sh
                      - -c
                      - 'test -e "$0" && exit; echo connection refused >&2; exit 1'
                      - "\(mended)"
                    retry: { base: 1h }
                """
            system.environment["REDIS_URL"] = redis.url
            system.environment["TASQ_WORKER_LISTEN"] = "127.0.0.1:0"
            let server = try await system.startServer(configuration)
            let worker = try await system.startWorker(configuration)
            let line = try await worker.waitForLine(containing: "metrics http://")
            try await body(
                OnCallScene(
                    system: system, redis: redis, server: server, worker: worker,
                    metrics: String(line.dropFirst("metrics ".count)), mended: mended,
                    secret: secret))
        }
        await redis.stop()
    }

    /// Seven jobs that end in `error`, and five that are to be tried again in an hour.
    func failJobs() async throws {
        let dead = Array(repeating: #"{"kind":"mail","max_attempts":1}"#, count: 7)
        let again = Array(repeating: #"{"kind":"mail"}"#, count: 5)
        let jobs = (dead + again).joined(separator: ",")
        let answer = try await system.post("/v1/jobs", "[\(jobs)]")
        #expect(answer.status == 201, "\(answer.text)")
        try await waitForMail("error|7\nscheduled|5")
    }

    /// Waits until the jobs of the kind `mail` are in these statuses, so many in each.
    func waitForMail(_ rows: String) async throws {
        try await system.wait(
            for: rows,
            """
            SELECT status, count(*) FROM tasq.job WHERE kind = 'mail'
            GROUP BY 1 ORDER BY status::text
            """)
    }

    /// From now on the handler of `mail` succeeds.
    func mendHandler() throws {
        try Data().write(to: URL(fileURLWithPath: mended))
    }

    /// A job that has run for two hours, by what the tables say; returns its id.
    func stick() async throws -> String {
        let id = try await system.enqueue("nap")
        try await system.wait(
            for: "executing", "SELECT status FROM tasq.job WHERE id = '\(id)'")
        try await system.database.execute(
            """
            UPDATE tasq.job SET claimed_at = now() - interval '2 hours' WHERE id = '\(id)';
            UPDATE tasq.executing_job SET claimed_at = now() - interval '2 hours'
            WHERE job_id = '\(id)'
            """)
        return id
    }

    /// A queue that somebody has paused, and a job that has waited for ten minutes; returns its id.
    func growBacklog() async throws -> String {
        let pause = try await run("queues", "pause", "default")
        #expect(pause.exit == .code(0), "\(pause.errors)")
        let id = try await system.enqueue("well")
        try await system.database.execute(
            "UPDATE tasq.job SET run_at = now() - interval '10 minutes' WHERE id = '\(id)'")
        return id
    }

    /// An event, signed with the secret that the provider has by now; how its sender ended.
    func deliver() async throws -> ChildProcess.Exit {
        let file = try TemporaryFile("sources:\n  hook: { verify: github, secrets: [newer] }")
        return try await run(
            "webhook", "send", "hook", "--config", file.path, "--body", "-", "--to",
            system.source("hook"), input: "{}"
        ).exit
    }

    /// Gives the server the provider's secret.
    func mendSecret() async throws {
        try secret.replace("newer")
        server.signal(SIGHUP)
        _ = try await server.waitForLine(containing: "configuration reloaded")
    }

    /// Runs the program to its end.
    func run(_ words: String..., input: String = "") async throws -> TasqProgram.Run {
        let child = try await TasqProgram.start(
            words, environment: system.environment, input: input)
        let exit = try await child.wait()
        return TasqProgram.Run(
            exit: exit, output: child.standardOutput, errors: child.standardError)
    }

    /// What a process tells Prometheus.
    func page(_ base: String) async throws -> Exposition {
        try Exposition(try await HTTPRequest(url: base + "/metrics").answer().text)
    }
}
