import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization
import Tasq
import TasqWebhooks

/// The demo's sender: real signed requests, shaped like GitHub's and Standard Webhooks'.
final class DemoTraffic: Sendable {
    /// What came of the requests so far.
    struct Tally: Sendable {
        /// Answered 202, by the id of the job made of it: when the answer was there.
        var accepted: [String: ContinuousClock.Instant] = [:]
        /// Answered 200: the event was known.
        var duplicates = 0
        /// Answered anything else, or not at all.
        var refused = 0
        /// The first of those answers.
        var firstRefusal: String?

        var received: Int { accepted.count + duplicates + refused }
    }

    /// The secrets of the two sources, made anew for every run.
    struct Secrets: Sendable {
        let github = DemoTraffic.token(bytes: 20)
        let standard = "whsec_" + Data(DemoTraffic.token(bytes: 24).utf8).base64EncodedString()
    }

    /// Requests on their way at once.
    static let inFlight = 32

    /// What every request begins with.
    private let request: (github: HTTPRequest, billing: HTTPRequest)
    private let pool: TargetPool
    private let github: WebhookSigner
    private let standard: WebhookSigner
    private let state = Mutex(Tally())

    init(ingestURL: String, secrets: Secrets) throws(InvalidInput) {
        request = (
            try HTTPRequest(url: ingestURL + "/in/github"),
            try HTTPRequest(url: ingestURL + "/in/billing")
        )
        pool = TargetPool(to: request.github.origin, limit: Self.inFlight)
        github = try WebhookSigner(scheme: .github, secret: secrets.github)
        standard = try WebhookSigner(scheme: .standard, secret: secrets.standard)
    }

    deinit {
        pool.close()
    }

    var tally: Tally { state.withLock { $0 } }

    /// One event; the same one sent twice carries the same provider id.
    struct Event: Sendable {
        let number: Int
        let id: String

        init(number: Int) {
            self.number = number
            id = UUID().uuidString.lowercased()
        }

        var isGitHub: Bool { number.isMultiple(of: 2) }
    }

    /// Sends events at a steady rate, a second; `nil` as fast as they are answered.
    func send(_ events: [Event], rate: Double?) async {
        let start = ContinuousClock.now
        await withDiscardingTaskGroup { group in
            let slots = Slots(Self.inFlight)
            for (index, event) in events.enumerated() {
                if let rate {
                    do {
                        try await Task.sleep(until: start + .seconds(Double(index) / rate))
                    } catch { return }
                }
                await slots.take()
                group.addTask {
                    await self.send(event)
                    slots.give()
                }
            }
        }
    }

    private func send(_ event: Event) async {
        let body = Array((event.isGitHub ? push(event) : invoice(event)).utf8)
        var request = event.isGitHub ? request.github : request.billing
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        if event.isGitHub {
            request.headers.add(name: "user-agent", value: "GitHub-Hookshot/044aadd")
            request.headers.add(name: "x-github-event", value: "push")
        }
        let signer = event.isGitHub ? github : standard
        for header in signer.headers(for: body, id: event.id, at: .now) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.body = body
        do {
            let answer = try await pool.send(
                request, deadline: .now() + .seconds(30), bodyLimit: 65_536)
            note(answer.status, answer.body, at: .now)
        } catch {
            state.withLock { tally in
                tally.refused += 1
                tally.firstRefusal = tally.firstRefusal ?? "no answer"
            }
        }
    }

    private func note(_ status: Int, _ answer: [UInt8], at time: ContinuousClock.Instant) {
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(answer))
        state.withLock { tally in
            switch (status, answer) {
            case (202, let answer?):
                for job in answer.jobs ?? [] { tally.accepted[job] = time }
            case (200, let answer?) where answer.duplicate == true:
                tally.duplicates += 1
            default:
                tally.refused += 1
                tally.firstRefusal = tally.firstRefusal ?? "status \(status)"
            }
        }
    }

    private struct Answer: Decodable {
        let jobs: [String]?
        let duplicate: Bool?
    }

    private func push(_ event: Event) -> String {
        let repository = ["tasq/site", "tasq/billing", "tasq/app"][event.number % 3]
        let commit = Self.token(bytes: 20)
        return """
            {"ref":"refs/heads/main","before":"\(Self.token(bytes: 20))","after":"\(commit)",\
            "repository":{"id":\(event.number % 3 + 1),"full_name":"\(repository)","private":true},\
            "pusher":{"name":"mona"},"commits":[{"id":"\(commit)","message":"Commit \
            \(event.number)","added":["a.swift"],"removed":[],"modified":["b.swift"]}]}
            """
    }

    private func invoice(_ event: Event) -> String {
        """
        {"type":"invoice.paid","timestamp":"\(Timestamp.now)","data":{"id":"inv_\(event.number)",\
        "customer":"cus_\(event.number % 50)","amount":\(event.number * 100),"currency":"eur"}}
        """
    }

    private static func token(bytes count: Int) -> String {
        (0..<count).map { _ in
            let byte = String(UInt8.random(in: 0...255), radix: 16)
            return byte.count == 1 ? "0" + byte : byte
        }.joined()
    }
}

/// A number of slots that are taken and given back.
private final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
