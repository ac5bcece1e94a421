import Logging
import Synchronization
import Tasq

/// The one ``Pace`` of a target, shared by all deliveries of this process to its origin, whichever
/// handler makes them and however often the handlers are replaced.
final class TargetPace: Sendable {
    private let pace: Mutex<Pace>

    private init() {
        pace = Mutex(Pace(at: .now))
    }

    /// The pace of an origin; it lives as long as anybody uses it.
    static func of(_ origin: String) -> TargetPace {
        all.withLock { all in
            if let pace = all[origin]?.pace { return pace }
            let pace = TargetPace()
            all = all.filter { $0.value.pace != nil }
            all[origin] = Shared(pace: pace)
            return pace
        }
    }

    private struct Shared {
        weak var pace: TargetPace?
    }

    private static let all = Mutex<[String: Shared]>([:])

    /// Makes a delivery when its turn comes. One whose turn is not near throws a snooze: it is put off
    /// without a request or an attempt, and keeps no slot.
    func deliver(logger: Logger, _ send: () async throws -> Void) async throws {
        let turn = try await turn()
        do {
            try await send()
            pace.withLock { $0.accept(turn, at: .now) }
        } catch Outcome.later(let wait, let reason) {
            if pace.withLock({ $0.cut(turn, for: wait, at: .now) }) {
                logger.info(
                    "deliveries to a target are slowed down", metadata: ["reason": "\(reason)"])
            }
            throw Outcome.later(after: wait, reason)
        }
    }

    private func turn() async throws -> Pace.Turn {
        while true {
            switch pace.withLock({ $0.ask(at: .now) }) {
            case .now(let turn): return turn
            case .soon(let turn, let wait):
                try await Task.sleep(for: wait)
                if pace.withLock({ $0.confirm(turn) }) { return turn }
            case .away(let wait): throw Outcome.snooze(for: wait)
            }
        }
    }
}
