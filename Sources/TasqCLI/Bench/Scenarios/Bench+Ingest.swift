import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Tasq
import TasqHTTP
import TasqWebhooks

extension Bench {
    /// Connections that send, each one request at a time.
    static let senders = 64

    func ingest() async throws -> Findings {
        let time = plan.time(5)
        var rates: [Double] = []
        var errors: [Double] = []
        var floors: [Double] = []
        let latency = LatencyRecord()
        try await eachRound(.ingest) { _ in
            let count = try await post(for: time, into: latency)
            rates.append(Double(count.accepted) / time.inSeconds)
            errors.append(Double(count.failed))
            if let floor = try await sharedInsertFloor(min(time, .seconds(2))) {
                floors.append(floor)
            }
        }
        let how =
            "signed 1 kB webhooks, \(Self.senders) connections, client and server in one process, "
            + "\(DurationText.format(time)), answered after the commit"
        var findings = Findings()
        findings.latencies = [latency.curve("ingest")]
        findings.figures = [
            Figure(
                scenario: .ingest, measure: "accepted", unit: "requests/s", rounds: rates,
                floor: floor(floors, "pgbench, 8 clients, single-row inserts"), how: how)
        ]
        findings.figures += [("p50", 50), ("p99", 99), ("p99.9", 99.9)].map { name, p in
            Figure(
                scenario: .ingest, measure: "answer \(name)", unit: "ms",
                rounds: [latency.percentile(p)], how: "of the same requests")
        }
        findings.figures.append(
            Figure(
                scenario: .ingest, measure: "errors", unit: "requests", rounds: errors,
                how: "answers other than 202, and none"))
        return findings
    }

    /// Requests accepted within the time, and those that failed.
    private func post(
        for time: Duration, into latency: LatencyRecord
    ) async throws -> (accepted: Int, failed: Int) {
        let secret = "bench"
        let body = Array(
            ("{\"filler\":\"" + String(repeating: "x", count: 986) + "\"}").utf8)
        let signature = try WebhookSigner(scheme: .github, secret: secret)
            .headers(for: body, id: "", at: .now).last
        let source = try WebhookSource(
            name: Name("github"), scheme: .github, secrets: [secret],
            job: JobTemplate(kind: Name(Stage.kind)))
        return try await Stage.with(servers) { stage in
            try await withServer(source, on: stage) { address in
                try await withClient { client in
                    var request = HTTPClientRequest(url: "http://\(address)/in/github")
                    request.method = .POST
                    request.headers.add(name: "content-type", value: "application/json")
                    if let signature {
                        request.headers.add(name: signature.name, value: signature.value)
                    }
                    request.body = .bytes(ByteBuffer(bytes: body))
                    let sender = Sender(client: client, request: request)
                    _ = try await sender.run(until: .now + .milliseconds(500), nil)
                    return try await sender.run(until: .now + time, latency)
                }
            }
        }
    }

    /// Serves the source on a free loopback port while the body runs.
    private func withServer<Result: Sendable>(
        _ source: WebhookSource, on stage: Stage, _ body: (ListenAddress) async throws -> Result
    ) async throws -> Result {
        let (addresses, listening) = AsyncStream.makeStream(of: ListenAddress.self)
        let server = IngestServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), sources: [source],
            queue: stage.queue, meters: HTTPMeters(), logger: .silent,
            onListening: { listening.yield($0) })
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                do {
                    try await server.run()
                } catch is CancellationError {}
            }
            guard let address = await addresses.first(where: { _ in true }) else {
                try await group.waitForAll()
                throw Failure(.unavailable, "the ingest server could not listen on 127.0.0.1")
            }
            let result = try await body(address)
            group.cancelAll()
            return result
        }
    }

    private func withClient<Result>(
        _ body: (HTTPClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.senders
        configuration.httpVersion = .http1Only
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        do {
            let result = try await body(client)
            try await client.shutdown()
            return result
        } catch {
            do { try await client.shutdown() } catch {}
            throw error
        }
    }
}

/// Sends one request after the other on every connection, each with a delivery id of its own.
private struct Sender: Sendable {
    let client: HTTPClient
    let request: HTTPClientRequest

    func run(
        until end: ContinuousClock.Instant, _ latency: LatencyRecord?
    ) async throws -> (accepted: Int, failed: Int) {
        let accepted = Counter()
        let failed = Counter()
        await withDiscardingTaskGroup { group in
            for _ in 0..<Bench.senders {
                group.addTask {
                    while ContinuousClock.now < end, !Task.isCancelled {
                        let start = ContinuousClock.now
                        if await send() {
                            latency?.note(.now - start)
                            accepted.add()
                        } else {
                            failed.add()
                        }
                    }
                }
            }
        }
        try Task.checkCancellation()
        return (accepted.value, failed.value)
    }

    private func send() async -> Bool {
        var request = request
        request.headers.add(name: "x-github-delivery", value: "\(JobID())")
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            _ = try await response.body.collect(upTo: 65_536)
            return response.status == .accepted
        } catch {
            return false
        }
    }
}
