/// Watches the maintenance term in another's hands.
struct OthersTerm {
    /// How the term stands, and whether its holder is seen at the doorbell no more.
    struct Sight: Hashable, Sendable {
        let standing: String
        let isGone: Bool
    }

    enum Key {
        case maintenance
    }

    /// How long a holder is gone before its term is taken over: one that lives may be on its way back.
    /// Two holders for a while do no harm, so nobody waits to be sure.
    static let gonePatience = Duration.milliseconds(500)

    private var standstill = Standstill<Key, Sight>(longestGap: Maintenance.longestGap)
    /// How it stands, if it is to be taken over.
    private(set) var abandoned: String?

    /// Takes what the answer to a request showed; returns the pause until the next request.
    mutating func look(
        at standing: String?, isGone: Bool, now: ContinuousClock.Instant
    ) -> Duration {
        let wasRefused = abandoned != nil
        var sights: [Key: Standstill<Key, Sight>.Sight] = [:]
        if let standing {
            sights[.maintenance] = .init(
                state: Sight(standing: standing, isGone: isGone),
                patience: isGone ? Self.gonePatience : Maintenance.longestTerm)
        }
        abandoned = standstill.look(at: sights, now: now)[.maintenance]?.standing
        if abandoned != nil, !wasRefused { return .zero }
        return isGone && abandoned == nil ? Self.gonePatience : Self.pause()
    }

    /// Drawn anew each time: workers that started together do not ask together for ever, so
    /// that a holder's end is seen the sooner the more of them there are.
    private static func pause() -> Duration {
        Maintenance.askPause * Double.random(in: 0.5...1)
    }

    mutating func reset() {
        standstill.reset()
        abandoned = nil
    }
}
