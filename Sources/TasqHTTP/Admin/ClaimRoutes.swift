import NIOHTTP1
import Tasq
import TasqWebhooks

/// `/v1/claims`: the protocol by which workers in other languages claim jobs, renew their claims
/// and say how the attempts ended.
struct ClaimRoutes: Sendable {
    let desk: ClaimDesk

    var routes: [Route] {
        [
            Route("POST", "/v1/claims", .operate) { request, _ async throws(Problem) in
                try await claim(request)
            },
            Route("POST", "/v1/claims/{token}/heartbeat", .operate) {
                request, token async throws(Problem) in
                try await renew(request, token)
            },
            Route("POST", "/v1/claims/{token}/success", .operate) {
                request, token async throws(Problem) in
                try await settle(token, as: outcome(request, []) { _ in .success })
            },
            Route("POST", "/v1/claims/{token}/fail", .operate) {
                request, token async throws(Problem) in
                try await settle(token, as: failure(request))
            },
            Route("POST", "/v1/claims/{token}/snooze", .operate) {
                request, token async throws(Problem) in
                try await settle(token, as: snooze(request))
            },
            Route("GET", "/v1/claims/{token}/payload", .read) {
                _, token async throws(Problem) in
                try await payload(token)
            },
        ]
    }

    private func claim(_ request: Request) async throws(Problem) -> Answer {
        let wanted = try ClaimRequest(
            request.body,
            allowing: [
                "worker_id", "queues", "limit", "concurrency", "wait", "lease", "host", "encoding",
            ])
        let worker: RemoteWorker
        let wait: Duration
        let wantsBytes: Bool
        do throws(InvalidInput) {
            guard let id = try wanted.string("worker_id").flatMap({ WorkerID($0) }) else {
                throw InvalidInput(
                    field: "worker_id", "must be a UUID of 36 characters, new at every start")
            }
            worker = try RemoteWorker(
                id: id, host: try wanted.string("host") ?? "remote",
                queues: try wanted.names("queues") ?? [.defaultQueue],
                limit: try wanted.number("limit") ?? 1,
                concurrency: try wanted.number("concurrency"),
                lease: try wanted.duration("lease") ?? RemoteWorker.defaultLease)
            wait = try wanted.duration("wait") ?? .zero
            guard wait <= RemoteWorker.longestWait else {
                throw InvalidInput(field: "wait", "must be at most 30s")
            }
            let encoding = try wanted.string("encoding") ?? "auto"
            guard encoding == "auto" || encoding == "base64" else {
                throw InvalidInput(field: "encoding", "must be auto or base64")
            }
            wantsBytes = encoding == "base64"
        } catch {
            throw .invalid(error)
        }
        let batch: ClaimDesk.Batch
        do throws(StoreError) {
            batch = try await desk.claim(for: worker, wait: wait, gone: request.gone)
        } catch {
            throw Problem(error)
        }
        var answer = Answer.json { json in
            json.member("lease", DurationText.format(batch.lease))
            json.name("claims")
            json.array(batch.jobs) { $0.claim($1, asBytes: wantsBytes) }
        }
        if !batch.jobs.isEmpty {
            answer.undelivered = { isOurs in
                await desk.giveBack(batch.jobs, of: worker.id, isOurs: isOurs)
            }
        }
        return answer
    }

    private func renew(_ request: Request, _ token: Substring) async throws(Problem) -> Answer {
        _ = try outcome(request, []) { _ in .success }
        let name = try name(token)
        let lease: Duration?
        do throws(StoreError) {
            lease = try await desk.renew(name.claim, of: name.job)
        } catch {
            throw Problem(error)
        }
        guard let lease else { throw .claimLost }
        return .json { $0.member("lease", DurationText.format(lease)) }
    }

    private func payload(_ token: Substring) async throws(Problem) -> Answer {
        let name = try name(token)
        let body = try await read { () async throws(StoreError) in
            try await desk.body(of: name.job, heldBy: name.claim)
        }
        guard let body else { throw .claimLost }
        guard let payload = body.payload else { throw .notFound }
        return try await .download(
            payload, body.id, bytes: body.bytes, asHandled: true, from: desk.bodies)
    }

    private func settle(
        _ token: Substring, as outcome: Outcome
    ) async throws(Problem) -> Answer {
        let name = try name(token)
        let settled: Settled?
        do throws(StoreError) {
            settled = try await desk.settle(name.claim, of: name.job, as: outcome)
        } catch {
            throw Problem(error)
        }
        guard let settled else { throw .claimLost }
        return .json { json in
            json.member("id", settled.job.description)
            json.member("status", settled.status.rawValue)
        }
    }

    private func failure(_ request: Request) throws(Problem) -> Outcome {
        try outcome(request, ["error", "retry", "delay"]) { body throws(InvalidInput) in
            let reason = try body.string("error") ?? "the worker did not say why"
            let delay = try body.duration("delay")
            guard try body.flag("retry") ?? true else {
                guard delay == nil else {
                    throw InvalidInput(field: "delay", "must not be given with retry false")
                }
                return .fail(reason)
            }
            return .retry(after: delay, reason)
        }
    }

    private func snooze(_ request: Request) throws(Problem) -> Outcome {
        try outcome(request, ["delay"]) { body throws(InvalidInput) in
            guard let delay = try body.duration("delay") else {
                throw InvalidInput(field: "delay", "must be given")
            }
            return .snooze(for: delay)
        }
    }

    private func outcome(
        _ request: Request, _ names: [String],
        _ read: (ClaimRequest) throws(InvalidInput) -> Outcome
    ) throws(Problem) -> Outcome {
        let body = try ClaimRequest(request.body, allowing: names)
        do throws(InvalidInput) {
            return try read(body)
        } catch {
            throw .invalid(error)
        }
    }

    private func name(_ token: Substring) throws(Problem) -> ClaimName {
        guard let name = ClaimName(token) else {
            throw .invalid(InvalidInput(field: "token", "must be one that a claim came with"))
        }
        return name
    }
}

extension Problem {
    static let claimLost = Problem(
        code: "claim-lost", status: .conflict,
        title: "The claim is gone: stop, the job may be running elsewhere")
}

extension JSONWriter {
    /// A claimed job with its body: JSON that is sound as it stands, anything else in base64; of a
    /// large one only where it is read.
    mutating func claim(_ job: ClaimedJob, asBytes: Bool) {
        object { json in
            json.member("token", ClaimName(job).description)
            json.member("claim", job.claim.description)
            json.member("id", job.id.description)
            json.member("kind", job.kind.description)
            json.options(job.options)
            json.member("attempt", job.attempt)
            json.member("crashes", job.crashes)
            json.member("source", job.source?.description)
            json.member("content_type", job.payload.handledType)
            json.name("headers")
            json.headers(job.payload.headers)
            if let bytes = job.leftOutBytes {
                json.member("payload_bytes", bytes)
                json.member("payload_url", "/v1/claims/\(ClaimName(job))/payload")
            } else if !asBytes, job.payload.isSoundJSON {
                json.name("payload")
                json.raw(job.payload.body)
            } else {
                json.member("payload_base64", base64(job.payload.body))
            }
        }
    }

    /// Headers as pairs, in order; what is only kept for this program's own use is left out.
    mutating func headers(_ headers: [Payload.Header]) {
        let ours = [IdempotencyKey.digestHeader, Payload.formHeader]
        array(headers.filter { !ours.contains($0.name) }) { json, header in
            json.array([header.name, header.value]) { $0.string($1) }
        }
    }
}

extension Payload {
    /// Whether the body says it is JSON and is.
    var isSoundJSON: Bool {
        let type = contentType.prefix { $0 != ";" }.lowercased()
        guard type == "application/json" || type.hasSuffix("+json") else { return false }
        do throws(InvalidInput) {
            try JSONText.check(body)
            return true
        } catch {
            return false
        }
    }
}

/// RFC 4648, section 4.
func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var rest = bytes[...]
    while !rest.isEmpty {
        let group = rest.prefix(3)
        rest = rest.dropFirst(3)
        var word: UInt32 = 0
        for byte in group { word = word << 8 | UInt32(byte) }
        word <<= UInt32(8 * (3 - group.count))
        for place in 0..<4 {
            let digit = Int(word >> UInt32(18 - 6 * place) & 63)
            text.append(place <= group.count ? digits[digit] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
