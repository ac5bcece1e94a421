import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the attempts of a job ran, asked once the worker is gone.
@Suite(.medium) struct WorkerPlaceTests {
    @Test func `Every attempt is told, the one that succeeded too, and where the others ran`()
        async throws
    {
        try await RunningSystem.with { system in
            try await system.startServer()
            let worker = try await system.startWorker(
                """
                handlers:
                  flaky:
                    command: [/bin/sh, -c, 'test "$TASQ_JOB_ATTEMPT" = 2']
                    retry: { base: 0s, factor: 1, jitter: 0 }
                """)
            let host = try await system.database.execute("SELECT host FROM tasq.worker")
            let id = try await system.enqueue("flaky")
            try await system.wait(for: "success|2", "SELECT status, attempt FROM tasq.job")
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
            #expect(try await system.database.execute("SELECT count(*) FROM tasq.worker") == "0")

            let show = try await TasqProgram.run(
                "jobs", "show", id, environment: system.environment)
            #expect(show.output.contains(" \(host) \(worker.pid) "), "\(show.output)")
            #expect(show.output.contains("2  success  "), "\(show.output)")
            let place = #""host":"\#(host)","pid":\#(worker.pid),"outcome":"retry""#
            let end = #""worker_id":null,"host":null,"pid":null,"outcome":"success","reason":null"#
            let document = try await TasqProgram.run(
                "jobs", "show", id, "--json", environment: system.environment)
            let answer = try await system.get("/v1/jobs/\(id)/attempts", upTo: 1_000_000)
            for json in [document.output, answer] {
                #expect(json.contains(place) && json.contains(end), "\(json)")
                #expect(json.contains(#"{"attempt":2,"claim":""#), "\(json)")
            }
            let page = try await system.get("/jobs/\(id)", upTo: 1_000_000)
            #expect(page.contains(">\(host) \(worker.pid)</td>"), "\(page)")
            #expect(page.contains("<span class=\"success\">success</span>"), "\(page)")
        }
    }
}
