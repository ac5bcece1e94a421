import NIOCore
import Synchronization
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqWebhooks

/// Answers with a few bytes changed, as many as a day's worth of broken targets.
private struct MutatedAnswers {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    private static let valid = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n"
            + "Digest: no\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            + "HTTP/1.1 410 Gone\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngone",
    ]

    /// Whether a client will want to use the connection again.
    static func isReusable(_ answer: [UInt8]) -> Bool {
        [valid[0], valid[1], valid[2], valid[4]].contains(String(decoding: answer, as: UTF8.self))
    }

    /// None that says "later", or nothing more would be sent for a while.
    mutating func next() -> [UInt8] {
        var answer = mutation()
        while answer.containsAny(of: ["429", "503"]) { answer = mutation() }
        return answer
    }

    private mutating func mutation() -> [UInt8] {
        var bytes = Array((Self.valid.randomElement(using: &generator) ?? "").utf8)
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            guard let index = bytes.indices.randomElement(using: &generator) else { break }
            switch Int.random(in: 0...5, using: &generator) {
            case 0: bytes[index] = .random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(.random(in: 0...255, using: &generator), at: index)
            case 3: bytes.insert(contentsOf: bytes[index...].prefix(20), at: index)
            case 4: bytes.removeSubrange(index...)
            default:
                // What framing is made of, in the wrong place.
                let token = ["\r\n", "\n", ":", " ", "0", "9", "ffffffff", "HTTP/1.1 "]
                    .randomElement(using: &generator)
                bytes.insert(contentsOf: Array((token ?? "").utf8), at: index)
            }
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate func containsAny(of texts: [String]) -> Bool {
        texts.contains { firstRange(of: Array($0.utf8)) != nil }
    }
}

@Suite struct AnswerReaderFuzzTests {
    @Test func `Whatever comes in whatever pieces is read to an end or a fault`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var answers = MutatedAnswers(seed: seed)
        var generator = SeededGenerator(seed: seed)
        var (ends, faults, cut) = (0, 0, 0)
        for _ in 0..<10_000 {
            let bytes = answers.next()
            let whole = Self.read([bytes])
            let split = Int.random(in: 0...bytes.count, using: &generator)
            let pieces = Self.read([Array(bytes[..<split]), Array(bytes[split...])])
            #expect(whole == pieces, "seed \(seed): \(bytes)")
            #expect(Self.read(bytes.map { [$0] }) == whole, "seed \(seed): \(bytes)")
            switch whole {
            case .end: ends += 1
            case .fault: faults += 1
            case .cut: cut += 1
            }
        }
        // Each of the three is common, or the mutations are worth nothing.
        #expect(ends > 200 && faults > 200 && cut > 200, "\(ends) \(faults) \(cut)")
    }

    private enum Result: Equatable {
        case end(status: Int, body: [UInt8])
        case fault
        case cut(status: Int?, body: [UInt8])
    }

    private static func read(_ pieces: [[UInt8]]) -> Result {
        var reader = AnswerReader()
        var status: Int?
        var body: [UInt8] = []
        do {
            for piece in pieces {
                reader.feed(ByteBuffer(bytes: piece))
                while let part = try reader.next() {
                    switch part {
                    case .head(let head): status = head.status
                    case .body(let bytes): body += bytes.readableBytesView
                    case .end: return .end(status: status ?? 0, body: body)
                    }
                }
            }
        } catch {
            return .fault
        }
        return .cut(status: status, body: body)
    }
}

@Suite(.medium) struct AnswerFuzzTests {
    @Test func `10 000 broken answers each end in an outcome`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let answers = Mutex(MutatedAnswers(seed: seed))
        try await RawTarget.run(serve: { client in
            // It hangs up after what may leave the client waiting.
            while try await client.request() != nil {
                let answer = answers.withLock { $0.next() }
                try await client.send(answer)
                guard MutatedAnswers.isReusable(answer) else { return }
            }
        }) { port, target in
            let ends = try await withThrowingTaskGroup(of: [Outcome?].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let client = TargetClient(
                            try sampleTarget(port), version: "1", breaker: nil)
                        var ends: [Outcome?] = []
                        for _ in 0..<1250 { ends.append(await outcome(of: client)) }
                        await client.shutdown()
                        return ends
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            var (successes, retries, failures) = (0, 0, 0)
            for end in ends {
                switch end {
                case .success: successes += 1
                case .retry: retries += 1
                case .fail: failures += 1
                default: Issue.record("an attempt without an outcome; seed \(seed)")
                }
            }
            // Each of the three is common, or the mutations are worth nothing.
            #expect(
                successes > 500 && retries > 500 && failures > 100,
                "\(successes) \(retries) \(failures); seed \(seed)")
            #expect(ends.count == 10_000 && target.requestCount >= 10_000)
        }
    }

    private func outcome(of client: TargetClient) async -> Outcome? {
        do {
            try await client.deliver(sampleContext())
            return .success
        } catch {
            return error as? Outcome
        }
    }
}
