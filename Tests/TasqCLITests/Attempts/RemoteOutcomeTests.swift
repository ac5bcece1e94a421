import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Outcomes that a remote worker says twice, or too late.
@Suite(.medium) struct RemoteOutcomeTests {
    @Test func `A repeat of the same outcome is told as done, another one that the claim is gone`()
        async throws
    {
        try await RunningSystem.with { system in
            try await system.startServer()
            _ = try await system.enqueue("job", "--max-attempts", "3")
            let snoozed = try await system.claim()
            try await expect(200, snoozed, "snooze", system)
            try await expect(200, snoozed, "snooze", system)
            for late in ["success", "fail"] { try await expect(409, snoozed, late, system) }

            let failed = try await system.claim()
            // Another run has the job now.
            for late in ["success", "fail"] { try await expect(409, snoozed, late, system) }
            try await expect(200, snoozed, "snooze", system)
            try await expect(200, failed, "fail", system)
            try await expect(200, failed, "fail", system)
            for late in ["success", "snooze"] { try await expect(409, failed, late, system) }

            let done = try await system.claim()
            try await expect(200, failed, "fail", system)
            for late in ["success", "snooze"] { try await expect(409, failed, late, system) }
            try await expect(200, done, "success", system)
            try await expect(200, done, "success", system)
            for late in ["fail", "snooze"] { try await expect(409, done, late, system) }
            // Of a snooze there is no record once another outcome was written.
            try await expect(409, snoozed, "snooze", system)
            #expect(
                try await system.database.execute("SELECT status, attempt FROM tasq.job")
                    == "success|2")
        }
    }

    @Test func `A last attempt that failed is told so again`() async throws {
        try await RunningSystem.with { system in
            try await system.startServer()
            let id = try await system.enqueue("job", "--max-attempts", "1")
            let token = try await system.claim()
            for _ in 0..<2 { try await expect(200, token, "fail", system) }
            for late in ["success", "snooze"] { try await expect(409, token, late, system) }
            let retry = try await TasqProgram.run(
                "jobs", "retry", id, environment: system.environment)
            #expect(retry.exit == .code(0), "\(retry.errors)")
            // The job has an attempt again, and that one failed all the same.
            try await expect(200, token, "fail", system)
            try await expect(409, token, "success", system)
        }
    }

    private func expect(
        _ status: Int, _ token: String, _ end: String, _ system: RunningSystem,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await system.post(
            "/v1/claims/\(token)/\(end)", end == "success" ? "" : #"{"delay":"0s"}"#)
        #expect(answer.status == status, "\(end): \(answer.text)", sourceLocation: location)
        if status == 409 {
            #expect(answer.text.contains("claim-lost"), sourceLocation: location)
        }
    }
}
