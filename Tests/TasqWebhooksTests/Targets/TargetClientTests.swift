import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

/// Deliveries over real connections to a real server.
@Suite(.medium) struct TargetClientTests {
    private let secret = "whsec_" + SignatureVectorTests.standardSecret

    /// Delivers one job to a server that gives this answer.
    private func outcome(
        status: HTTPResponse.Status, headers: HTTPFields = [:]
    ) async throws -> Outcome {
        var result: Outcome?
        try await TargetServer.run(answer: { _, _ in Response(status: status, headers: headers) }) {
            port, server in
            result = try await deliver(sampleContext(), to: sampleTarget(port))
            #expect(server.requests.count == 1)
        }
        return try #require(result)
    }

    @Test func `A job arrives byte for byte with its headers`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .noContent) }) {
            port, server in
            let context = try sampleContext(attempt: 3, contentType: "application/cloudevents+json")
            let target = try sampleTarget(
                port, headers: [Payload.Header(name: "Authorization", value: "Bearer t")])
            #expect(try await deliver(context, to: target) == .success)
            let seen = try #require(server.requests.first)
            #expect(seen.method == "POST")
            #expect(seen.path == "/hook?token=hush")
            #expect(seen.body == sampleBody)
            #expect(seen.header("content-type") == "application/cloudevents+json")
            #expect(seen.header("content-length") == "\(sampleBody.count)")
            #expect(seen.header("user-agent") == "tasq/1.2.3")
            #expect(seen.header("tasq-job-id") == "\(context.job.id)")
            #expect(seen.header("tasq-job-kind") == "sample")
            #expect(seen.header("tasq-job-attempt") == "3")
            #expect(seen.header("tasq-claim") == "\(context.job.claim)")
            #expect(seen.header("authorization") == "Bearer t")
            #expect(seen.header("webhook-id") == nil)
        }
    }

    @Test func `A job's trace goes on to its target, another header only if a webhook brought it`()
        async throws
    {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let came = [("traceparent", parent), ("tracestate", "a=1"), ("x-github-event", "push")]
            let context = try sampleContext(
                headers: came.map { Payload.Header(name: $0, value: $1) })
            #expect(try await deliver(context, to: sampleTarget(port)) == .success)
            let seen = try #require(server.requests.first)
            #expect(seen.header("traceparent") == parent)
            #expect(seen.header("tracestate") == "a=1")
            #expect(seen.header("x-github-event") == nil)
        }
    }

    @Test func `Each attempt is signed anew under one id, and a source verifies it`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let payloadID = PayloadID()
            let target = try sampleTarget(port, secret: secret)
            for attempt in 1...2 {
                let context = try sampleContext(attempt: attempt, payloadID: payloadID)
                #expect(try await deliver(context, to: target) == .success)
            }
            let source = try sampleSource(.standard, secret)
            #expect(server.requests.count == 2)
            for seen in server.requests {
                let request = WebhookRequest(headers: seen.headers, body: seen.body)
                #expect(try source.verify(request).get().providerID == "\(payloadID)")
            }
        }
    }

    @Test func `A content type that would inject a header is replaced`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let context = try sampleContext(contentType: "text/plain\r\nX-Evil: 1")
            #expect(try await deliver(context, to: sampleTarget(port)) == .success)
            #expect(server.requests.first?.header("content-type") == "application/octet-stream")
            #expect(server.requests.first?.header("x-evil") == nil)
        }
    }

    @Test func `410 fails for good`() async throws {
        guard case .fail(let reason) = try await outcome(status: .gone) else {
            Issue.record("410 must fail for good")
            return
        }
        #expect(!reason.contains("hush"))
    }

    @Test(arguments: [
        ("30", 30), ("99999999999", 86_400), ("Fri, 31 Dec 2099 23:59:59 GMT", 86_400),
    ])
    func `429 and 503 are tried again after the wait they ask for`(
        text: String, seconds: Int
    ) async throws {
        for status in [HTTPResponse.Status.tooManyRequests, .serviceUnavailable] {
            guard
                case .later(let wait, _) = try await outcome(
                    status: status, headers: [.retryAfter: text])
            else {
                Issue.record("expected to be put off")
                continue
            }
            #expect(wait == .seconds(seconds))
        }
    }

    @Test func `Other failures are tried again by the policy`() async throws {
        for status in [HTTPResponse.Status.badRequest, .requestTimeout, .internalServerError] {
            guard
                case .retry(nil, let reason) = try await outcome(
                    status: status, headers: [.retryAfter: "30"])
            else {
                Issue.record("expected a retry without a wait")
                continue
            }
            #expect(reason.hasSuffix("answered \(status.code)"))
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `A redirect is a failure and not followed`(status: Int) async throws {
        try await TargetServer.run(answer: { request, _ in
            request.uri.path == "/elsewhere"
                ? Response(status: .ok)
                : Response(
                    status: .init(code: status), headers: [.location: "/elsewhere"])
        }) { port, server in
            guard case .retry(nil, _) = try await deliver(sampleContext(), to: sampleTarget(port))
            else {
                Issue.record("expected a retry")
                return
            }
            #expect(server.requests.map(\.path) == ["/hook?token=hush"])
        }
    }

    @Test func `A target that never answers is cut off at the timeout`() async throws {
        try await TargetServer.run(answer: { _, server in
            await server.untilEnd()
            return Response(status: .ok)
        }) { port, _ in
            let outcome = try await deliver(
                sampleContext(), to: sampleTarget(port, timeout: .milliseconds(200)))
            guard case .retry(nil, let reason) = outcome else {
                Issue.record("expected a retry, got \(outcome)")
                return
            }
            #expect(reason == "http://127.0.0.1:\(port)/hook did not answer within 0.2 seconds")
        }
    }

    @Test func `A body that never ends holds no slot: the status decides`() async throws {
        try await TargetServer.run(answer: { _, server in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "x"))
                    await server.untilEnd()
                })
        }) { port, _ in
            let outcome = try await deliver(sampleContext(), to: sampleTarget(port))
            #expect(outcome == .success)
        }
    }

    @Test func `A body without end is hung up on`() async throws {
        let hungUp = Mutex(false)
        try await TargetServer.run(answer: { _, _ in
            Response(
                status: .internalServerError,
                body: ResponseBody { writer in
                    do {
                        while true {
                            try await writer.write(ByteBuffer(repeating: 0x78, count: 65_536))
                        }
                    } catch {
                        hungUp.withLock { $0 = true }
                        throw error
                    }
                })
        }) { port, _ in
            let outcome = try await deliver(sampleContext(), to: sampleTarget(port))
            let said = String(repeating: "x", count: TargetAnswer.textByteLimit) + "…"
            #expect(outcome == .retry("\(said)\nhttp://127.0.0.1:\(port)/hook answered 500"))
        }
        #expect(hungUp.withLock { $0 })
    }

    @Test func `A target that repeats the request tells no secret of it`() async throws {
        try await TargetServer.run(answer: { request, _ in
            let fields = request.headers.map { "\($0.name.canonicalName): \($0.value)\n" }
            let said = "no: \(request.uri.description)\n" + fields.joined()
            return Response(
                status: .badRequest, body: ResponseBody(byteBuffer: ByteBuffer(string: said)))
        }) { port, _ in
            let target = try sampleTarget(
                port, path: "/x7Qp2mVb9LkTz4RwYc8N?token=hush-hush", secret: secret,
                headers: [Payload.Header(name: "X-Key", value: "Token hunter2-hunter2")])
            let outcome = try await deliver(sampleContext(), to: target)
            guard case .retry(nil, let reason) = outcome else {
                Issue.record("expected a retry, got \(outcome)")
                return
            }
            #expect(reason.hasPrefix("no: /***?token=***\n"), "\(reason)")
            #expect(reason.contains("x-key: Token ***\n"), "\(reason)")
            #expect(reason.contains("webhook-signature: ***"), "\(reason)")
            for word in ["x7Qp2", "hush", "hunter2"] {
                #expect(!reason.contains(word), "\(reason)")
            }
            #expect(reason.hasSuffix("\nhttp://127.0.0.1:\(port)/*** answered 400"), "\(reason)")
        }
    }

    @Test func `A packed answer is not told`() async throws {
        try await TargetServer.run(answer: { _, _ in
            Response(
                status: .badRequest, headers: [.contentEncoding: "gzip"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "not gzip at all")))
        }) { port, _ in
            let outcome = try await deliver(sampleContext(), to: sampleTarget(port))
            #expect(outcome == .retry("http://127.0.0.1:\(port)/hook answered 400"))
        }
    }

    @Test func `A compressed answer is not inflated`() async throws {
        try await TargetServer.run(answer: { _, _ in
            Response(
                status: .ok, headers: [.contentEncoding: "gzip"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "not gzip at all")))
        }) { port, server in
            let outcome = try await deliver(sampleContext(), to: sampleTarget(port))
            #expect(outcome == .success)
            #expect(server.requests.first?.header("accept-encoding") == nil)
        }
    }

    @Test func `A port nobody listens on is tried again`() async throws {
        let outcome = try await deliver(sampleContext(), to: sampleTarget(1))
        guard case .retry(nil, let reason) = outcome else {
            Issue.record("expected a retry, got \(outcome)")
            return
        }
        #expect(reason == "http://127.0.0.1:1/hook: connection refused")
    }

    @Test func `A name that does not resolve is tried again`() async throws {
        let outcome = try await deliver(
            sampleContext(), to: sampleTarget(80, host: "nowhere.invalid", allow: []))
        guard case .retry(nil, let reason) = outcome else {
            Issue.record("expected a retry, got \(outcome)")
            return
        }
        // Where the resolver itself does not answer, the timeout speaks first.
        #expect(
            reason == "http://nowhere.invalid:80/hook: the name nowhere.invalid does not resolve"
                || reason == "http://nowhere.invalid:80/hook did not answer within 20.0 seconds")
    }

    @Test func `A body that breaks off changes nothing: the status decides`() async throws {
        struct BreakOff: Error {}
        try await TargetServer.run(answer: { _, _ in
            Response(
                status: .ok, headers: [.contentLength: "10"],
                body: ResponseBody { _ in throw BreakOff() })
        }) { port, _ in
            let outcome = try await deliver(sampleContext(), to: sampleTarget(port))
            #expect(outcome == .success)
        }
    }

    @Test func `A cancelled delivery says so rather than blaming the target`() async throws {
        try await TargetServer.run(answer: { _, server in
            await server.untilEnd()
            return Response(status: .ok)
        }) { port, server in
            let client = TargetClient(try sampleTarget(port), version: "1")
            let isCancellation = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await client.deliver(sampleContext())
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                try await eventually("the server has the request") { server.requests.count == 1 }
                group.cancelAll()
                return try await group.next() ?? false
            }
            await client.shutdown()
            #expect(isCancellation)
        }
    }
}
