import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What an answer is called by, in logs and by those who ask about it.
@Suite(.medium)
struct RequestIDTests {
    @Test func `Every answer has an id of its own, in its header and in its problem`()
        async throws
    {
        try await Stack.with { stack, _ in
            var answers: [RawAnswer] = []
            for (method, target, body) in [
                ("GET", "/healthz", ""), ("GET", "/jobs", ""), ("GET", "/nowhere", ""),
                ("POST", "/v1/jobs", #"{"kind":"mail"}"#), ("POST", "/v1/jobs", "{"),
                ("PUT", "/v1/jobs", ""), ("GET", "/v1/jobs/\(JobID())", ""),
            ] {
                answers.append(try await stack.ask(method, target, body))
            }
            let event = Array("{}".utf8)
            answers.append(try await stack.deliver(event))
            answers.append(try await stack.deliver(event, signature: "sha256=00"))
            answers.append(try await stack.deliver(event, to: "nobody"))
            // No request at all: it names no host.
            let refused = try await RawConnection.open(to: stack.admin) { connection in
                try await connection.send("GET /healthz HTTP/1.1\r\n\r\n")
                return try await connection.answer()
            }
            answers.append(try #require(refused))

            let statuses = answers.map(\.status)
            #expect(statuses == [200, 200, 404, 201, 400, 405, 404, 202, 401, 404, 400])
            var ids: Set<String> = []
            for answer in answers {
                let id = try #require(answer["x-request-id"], "\(answer.head)")
                #expect(JobID(id) != nil, "\(id)")
                ids.insert(id)
                guard answer.status >= 400 else { continue }
                #expect(member("request", of: answer.text) == id, "\(answer.text)")
            }
            #expect(ids.count == answers.count)
        }
    }
}
