import FoundationEssentials
import Tasq
import TasqPostgres
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension Bench {
    /// A worker process that is killed with all its slots full, while two others work.
    func crash() async throws -> Findings {
        let seconds = plan.seconds ?? 5
        let jobs = min(plan.jobs ?? Self.commonSlots, Self.commonSlots)
        var returns: [Double] = []
        var latest: [Double] = []
        var ends: [Double] = []
        var silences: [Double] = []
        try await eachRound(.crash) { _ in
            let seen = try await killWorker(with: jobs, of: seconds)
            returns.append(seen.returned)
            latest.append(seen.lastReturned)
            ends.append(seen.ended)
            silences.append(seen.silence)
        }
        let how =
            "SIGKILL of a worker with \(jobs) jobs of \(seconds) s, two others with "
            + "\(Self.commonSlots) slots each, default settings"
        var findings = Findings()
        findings.figures = [
            ("running again p50", returns), ("running again, last", latest),
            ("all ended", ends), ("longest silence of 50 other jobs a second", silences),
        ].map { measure, rounds in
            Figure(scenario: .crash, measure: measure, unit: "s", rounds: rounds, how: how)
        }
        return findings
    }

    /// Seconds after the kill, and between two starts of other jobs.
    private struct CrashSeen {
        var returned = 0.0
        var lastReturned = 0.0
        var ended = 0.0
        var silence = 0.0
    }

    private func killWorker(with jobs: Int, of seconds: Int) async throws -> CrashSeen {
        let file = try Self.configuration(
            "handlers: { long: { sleep: \(seconds)s }, quick: { noop: {} } }")
        defer { try? FileManager.default.removeItem(at: file) }
        return try await Stage.with(servers) { stage in
            let doomed = try await worker(on: stage, file)
            _ = try await stage.queue.enqueue((0..<jobs).map { _ in try Self.job("long") })
            try await stage.until("every job runs") {
                try await stage.count(of: .executing) == jobs
            }
            let others = [try await worker(on: stage, file), try await worker(on: stage, file)]
            let stream = Task {
                while !Task.isCancelled {
                    _ = try await stage.queue.enqueue(Self.job("quick"))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            defer { stream.cancel() }
            try await stage.until("the others run jobs") { try await stage.count(of: .success) > 0 }
            // None has only just come.
            try await stage.until("every worker has beaten twice") {
                try await stage.number(
                    "SELECT count(*) FROM \(stage.schema).worker WHERE heartbeat_seq > 1") == 3
            }
            // At any moment of its heartbeat, as machines are lost.
            try await Task.sleep(for: .seconds(Double.random(in: 0..<2)))
            let time: String = try await servers.rows("SELECT clock_timestamp()::text")[0].at(0)
            doomed.signal(SIGKILL)
            try await stage.until("every job has ended", for: .seconds(seconds * 10 + 120)) {
                try await stage.number(
                    "SELECT count(*) FROM \(stage.schema).job "
                        + "WHERE kind = 'long' AND status = 'success'") == jobs
            }
            stream.cancel()
            for worker in others { worker.signal(SIGTERM) }
            for worker in others { _ = try await worker.wait() }
            return try await seen(since: time, on: stage)
        }
    }

    /// A configuration file of its own; whoever asks for it removes it.
    static func configuration(_ text: String) throws -> URL {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "tasq-bench-\(UUID().uuidString).yaml")
        try Data(text.utf8).write(to: file)
        return file
    }

    private func worker(on stage: Stage, _ file: URL) async throws -> ChildProcess {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let worker = try await ChildProcess.start(
            program,
            [
                "work", "--config", file.path, "--concurrency", "\(Self.commonSlots)",
                "--log-level", "info",
            ],
            environment: [
                "DATABASE_URL": servers.databaseURL, "REDIS_URL": servers.redis.url,
                "TASQ_SCHEMA": stage.schema, "TASQ_REDIS_PREFIX": servers.prefix,
            ])
        _ = try await worker.waitForLine(containing: "worker registered")
        return worker
    }

    static func job(_ kind: String) throws -> NewJob {
        try NewJob(kind: Name(kind), payload: Payload(Array("{}".utf8)))
    }

    /// Reads it all from the jobs' rows, by the server's clock.
    private func seen(since time: String, on stage: Stage) async throws -> CrashSeen {
        var row = try await servers.rows(
            """
            WITH after AS (
                SELECT kind, finished_at, claimed_at,
                    claimed_at - lag(claimed_at) OVER (PARTITION BY kind ORDER BY claimed_at) AS gap
                FROM \(stage.schema).job
                WHERE claimed_at > '\(time)' AND status = 'success'
            )
            SELECT
                (extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY claimed_at)
                    FILTER (WHERE kind = 'long') - '\(time)') * 1000000)::bigint,
                (extract(epoch FROM max(claimed_at) FILTER (WHERE kind = 'long') - '\(time)')
                    * 1000000)::bigint,
                (extract(epoch FROM max(finished_at) FILTER (WHERE kind = 'long') - '\(time)')
                    * 1000000)::bigint,
                (extract(epoch FROM max(gap) FILTER (WHERE kind = 'quick')) * 1000000)::bigint
            FROM after
            """)[0]
        func seconds() throws -> Double { try row.next(Duration?.self)?.inSeconds ?? 0 }
        return try CrashSeen(
            returned: seconds(), lastReturned: seconds(), ended: seconds(), silence: seconds())
    }
}
