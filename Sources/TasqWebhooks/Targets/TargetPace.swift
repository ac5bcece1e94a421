import Logging
import Synchronization
import Tasq

/// The one ``Pace`` of a target, shared by all deliveries of this process to its origin, whichever
/// handler makes them and however often the handlers are replaced.
final class TargetPace: Sendable {
    /// Deliveries that a breaker held back.
    static let heldBack = Counter()

    private struct State {
        var pace: Pace
        /// How the target failed last, in a few words.
        var fault = ""
    }

    private let origin: String
    private let state: Mutex<State>

    private init(_ origin: String) {
        self.origin = origin
        state = Mutex(State(pace: Pace(at: .now)))
    }

    /// The pace of an origin; it lives as long as anybody uses it.
    static func of(_ origin: String) -> TargetPace {
        all.withLock { all in
            if let pace = all[origin]?.pace { return pace }
            let pace = TargetPace(origin)
            all = all.filter { $0.value.pace != nil }
            all[origin] = Shared(pace: pace)
            return pace
        }
    }

    /// How many targets are held back now.
    static var heldCount: Int {
        let paces = all.withLock { all in all.values.compactMap { $0.pace } }
        return paces.count { pace in pace.state.withLock { $0.pace.breaker.isHeld } }
    }

    private struct Shared {
        weak var pace: TargetPace?
    }

    private static let all = Mutex<[String: Shared]>([:])

    /// Makes a delivery when its turn comes. One whose turn is not near throws a snooze, and one that the
    /// breaker holds back throws that it is put off: without a request or an attempt, and it keeps no
    /// slot.
    func deliver(
        _ context: JobContext, by rule: Breaker.Rule, _ send: () async throws -> Reception
    ) async throws {
        let turn = try await turn(by: rule)
        let reception: Reception
        do {
            reception = try await send()
        } catch {
            // Only a target that does not answer is waited for until then.
            let isLate = state.withLock { $0.pace.isLate(turn, at: .now) }
            note(context, fault: isLate ? "did not answer" : nil) { pace, now in
                if isLate {
                    pace.fail(turn, by: rule, at: now)
                } else {
                    pace.release(turn, at: now)
                }
            }
            throw error
        }
        switch reception {
        case .taken:
            note(context) { $0.accept(turn, at: $1) }
        case .refused(let outcome):
            note(context) { $0.refuse(turn, at: $1) }
            throw outcome
        case .later(let wait, let reason):
            if note(context, { $0.cut(turn, for: wait, at: $1) }) {
                context.logger.info(
                    "deliveries to a target are slowed down", metadata: ["reason": "\(reason)"])
            }
            throw Outcome.later(after: wait, reason)
        case .failed(let outcome, let fault):
            // Nobody is told of one that does not count.
            note(context, fault: rule == .off ? nil : fault) { $0.fail(turn, by: rule, at: $1) }
            throw outcome
        case .unsent(let outcome):
            note(context) { $0.release(turn, at: $1) }
            throw outcome
        }
    }

    /// Tells the pace what became of a delivery, and the log what that means for the next ones.
    private func note<Told: Sendable>(
        _ context: JobContext, fault: String? = nil,
        _ change: (inout Pace, ContinuousClock.Instant) -> Told
    ) -> Told {
        let now = ContinuousClock.now
        let (told, was, breaker) = state.withLock { state in
            let was = state.pace.breaker.isHeld
            if let fault { state.fault = fault }
            let told = change(&state.pace, now)
            return (told, was, state.pace.breaker)
        }
        switch (was, breaker.isHeld) {
        case (false, true):
            context.logger.warning(
                "a target fails: deliveries to it are held back",
                metadata: [
                    "target": "\(origin)", "failures": "\(breaker.failures)",
                    "reason": "\(fault ?? "")",
                ])
        case (true, false):
            context.logger.info("a target is well again", metadata: ["target": "\(origin)"])
        case (true, true), (false, false):
            break
        }
        return told
    }

    private func turn(by rule: Breaker.Rule) async throws -> Pace.Turn {
        let start = ContinuousClock.now
        var now = start
        while true {
            let answer = state.withLock { $0.pace.ask(at: now, by: rule, since: start) }
            switch answer {
            case .now(let turn):
                return turn
            case .soon(let turn, let wait):
                try await Task.sleep(for: wait)
                now = .now
                let used = state.withLock { $0.pace.confirm(turn, at: now, by: rule) }
                if let used { return used }
            case .again(let wait):
                try await Task.sleep(for: wait)
            case .away(let wait):
                throw Outcome.snooze(for: wait)
            case .held(let wait, let cause):
                Self.heldBack.add()
                throw Outcome.later(after: wait, reason(cause))
            }
            now = .now
        }
    }

    private func reason(_ cause: Breaker.Cause) -> String {
        let known: HoldReason.Cause =
            switch cause {
            case .failures(let count): .failures(count, last: state.withLock { $0.fault })
            case .silence(let count): .silence(count)
            case .recovery: .recovery
            }
        return HoldReason(of: origin, known).text
    }
}
