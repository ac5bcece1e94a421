import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What a server's metrics tell of the sources, and what they leave out.
@Suite(.medium) struct SourceMetricsTests {
    @Test func `Events and refusals are counted by source, and when the last one came`()
        async throws
    {
        try await Stack.with { stack, _ in
            let accepted = "tasq_source_accepted_total"
            let lastReceived = "tasq_source_last_received_timestamp_seconds"
            let rejected = "tasq_http_rejected_total"
            var page = try await page(of: stack)
            // One that never sends is to be seen, too.
            for source in ["github", "paddle", "silent"] {
                #expect(page[accepted, ["source": source]] == 0)
                #expect(page["tasq_source_duplicate_total", ["source": source]] == 0)
                #expect(page[lastReceived, ["source": source]] == nil)
            }
            let before = Double(Timestamp.now.microseconds) / 1_000_000
            let body = Array("{}".utf8)
            #expect(try await stack.deliver(body, delivery: "a").status == 202)
            #expect(try await stack.deliver(body, delivery: "a").status == 200)
            #expect(try await stack.deliver(body, to: "paddle", delivery: "a").status == 200)
            let forged = try await stack.deliver(body, to: "paddle", signature: "sha256=00")
            #expect(forged.status == 401)
            #expect(try await stack.deliver(body, to: "stranger").status == 404)
            #expect(try await stack.ask("GET", "/v1/nothing").status == 404)
            // This one shows its length only as it comes.
            let long =
                "POST /in/silent HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "200000\r\n"
            let answer = try await RawConnection.exchange(
                with: stack.ingest, Array(long.utf8) + [UInt8](repeating: 32, count: 0x200000))
            #expect(answer.hasPrefix("HTTP/1.1 413"))

            page = try await self.page(of: stack)
            #expect(page[accepted, ["source": "github"]] == 1)
            #expect(page["tasq_source_duplicate_total", ["source": "github"]] == 1)
            #expect(page[accepted, ["source": "paddle"]] == 1)
            #expect(page.sum(accepted) == 2)
            for source in ["github", "paddle"] {
                let last = try #require(page[lastReceived, ["source": source]])
                #expect(last >= before && last <= Double(Timestamp.now.microseconds) / 1_000_000)
            }
            #expect(page[lastReceived, ["source": "silent"]] == nil)
            let ofSources = "tasq_source_rejected_total"
            #expect(page[ofSources, ["source": "paddle", "reason": "verification-failed"]] == 1)
            #expect(page[ofSources, ["source": "silent", "reason": "body-too-large"]] == 1)
            #expect(page.sum(ofSources) == 2)
            for reason in [
                "verification-failed", "body-too-large", "unknown-source", "not-found",
            ] { #expect(page[rejected, ["reason": reason]] == 1, "\(reason)") }
        }
    }

    @Test func `What every server tells alike says so`() async throws {
        try await Stack.with { stack, _ in
            let text = try await stack.ask("GET", "/metrics").text
            let alike = text.split(separator: "\n").filter { line in
                line.hasPrefix("# HELP tasq_queue") || line.hasPrefix("# HELP tasq_worker")
                    || line.hasPrefix("# HELP tasq_table")
                    || line.firstMatch(of: /^# HELP tasq_(recent_)?(error|retrying)_jobs\b/) != nil
            }
            #expect(alike.count == 11)
            #expect(alike.allSatisfy { $0.hasSuffix("take max, not sum.") })
        }
    }

    @Test func `A server tells nothing that cannot move there`() async throws {
        try await Stack.with { stack, _ in
            let page = try await page(of: stack)
            for name in [
                // Handlers run in workers.
                "tasq_run_duration_seconds", "tasq_outcome_duration_seconds", "tasq_stuck_slots",
                "tasq_settle_duration_seconds", "tasq_settle_batch_size",
                "tasq_settle_failures_total", "tasq_revoked_total", "tasq_handed_back_total",
                "tasq_slots",
                // And this server has no Redis.
                "tasq_announcements_total", "tasq_taken_total", "tasq_claim_duration_seconds",
                "tasq_claim_misses_total", "tasq_duplicate_ids_total", "tasq_reconciles_total",
                "tasq_reannounced_total", "tasq_withdrawn_ids_total", "tasq_redis_up",
                "tasq_queue_announced_ids",
            ] { #expect(page.types[name] == nil, "\(name)") }
            for outcome in ["success", "retry", "snooze", "error", "handed_back"] {
                #expect(page["tasq_settled_total", ["outcome": outcome]] == 0, "\(outcome)")
            }
            for outcome in ["revoked", "lost", "cancelled"] {
                #expect(page["tasq_settled_total", ["outcome": outcome]] == nil, "\(outcome)")
            }
        }
    }

    private func page(of stack: Stack) async throws -> Exposition {
        try Exposition(try await stack.ask("GET", "/metrics").text)
    }
}
