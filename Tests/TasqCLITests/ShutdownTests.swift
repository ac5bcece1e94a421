import Foundation
import NIOCore
import NIOHTTP1
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server that is told to end while it works.
@Suite(.medium) struct ShutdownTests {
    @Test func `Every job that was answered before a SIGTERM took effect is in the table`()
        async throws
    {
        try await withDatabase { database in
            let server = try await TasqProgram.start(
                ["serve"],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let line = try await server.waitForLine(containing: "admin http://")
            let url = String(line.dropFirst("admin ".count)) + "/v1/jobs"
            let answered = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<8 {
                    group.addTask { await enqueueUntilRefused(at: url) }
                }
                try await eventually("the server is busy") {
                    let count = try await database.execute("SELECT count(*) FROM tasq.job")
                    return (Int(count) ?? 0) > 200
                }
                server.signal(SIGTERM)
                return try await group.reduce(into: [String]()) { $0 += $1 }
            }
            #expect(try await server.wait() == .code(0), "\(server.standardError)")
            #expect(answered.count > 200)
            let ids = answered.map { "'\($0)'" }.joined(separator: ",")
            let stored = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE id IN (\(ids))")
            #expect(stored == "\(answered.count)")
        }
    }
}

/// The ids of the jobs that were taken until one was not.
private func enqueueUntilRefused(at url: String) async -> [String] {
    var ids: [String] = []
    var connections: TargetPool?
    defer { connections?.close() }
    while true {
        do {
            var request = try HTTPRequest(url: url)
            request.method = .POST
            request.body = Array(#"{"kind":"noop"}"#.utf8)
            let kept = connections ?? TargetPool(to: request.origin, limit: 1)
            connections = kept
            let answer = try await kept.send(
                request, deadline: .now() + .seconds(30), bodyLimit: 65_536)
            guard answer.status == 201 else { return ids }
            ids.append(String(answer.text.dropFirst(#"{"id":""#.count).prefix(36)))
        } catch {
            // The server has gone.
            return ids
        }
    }
}
