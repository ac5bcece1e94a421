import ServiceLifecycle
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
            "signed 1 kB webhooks, \(Self.senders) connections, one client thread in the server's process, "
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
            routing: WebhookRouting(JobTemplate(kind: Name(Stage.kind))))
        return try await Stage.with(servers) { stage in
            try await withServer(source, on: stage) { address in
                let request = WebhookSenders.Request(
                    head: "POST /in/github HTTP/1.1\r\nhost: \(address)\r\n"
                        + "content-type: application/json\r\ncontent-length: \(body.count)\r\n"
                        + (signature.map { "\($0.name): \($0.value)\r\n" } ?? ""),
                    idHeader: "x-github-delivery", body: body)
                return try await WebhookSenders.with(
                    Self.senders, to: address, sending: request
                ) { senders in
                    _ = try await senders.send(for: .milliseconds(500), nil)
                    return try await senders.send(for: time, latency)
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
        return try await serving(server, addresses, listening, body)
    }

    /// Serves while the body runs, which is given the first of the addresses.
    func serving<Address: Sendable, Result: Sendable>(
        _ server: some Service, _ addresses: AsyncStream<Address>,
        _ listening: AsyncStream<Address>.Continuation,
        _ body: (Address) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                do {
                    try await server.run()
                } catch is CancellationError {}
            }
            guard let address = await addresses.first(where: { _ in true }) else {
                try await group.waitForAll()
                throw Failure(.unavailable, "the server could not listen on 127.0.0.1")
            }
            let result = try await body(address)
            group.cancelAll()
            return result
        }
    }
}
