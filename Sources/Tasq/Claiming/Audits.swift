/// When a worker looks for claims that stand under it and that it does not know of.
struct Audits: Sendable {
    /// Between two looks.
    static let pause = Duration.seconds(30)

    /// The next look; `nil` when none is owed.
    private var time: ContinuousClock.Instant?
    /// How many looks are still to come.
    private var count = 0

    var areOwed: Bool { time != nil }

    func areDue(at now: ContinuousClock.Instant) -> Bool { time.map { now >= $0 } ?? false }

    /// Claims stand, or have ended: whichever a primary that is lost has not passed on comes back
    /// with the standby that takes over, and nobody knows of it.
    mutating func noteClaims(at now: ContinuousClock.Instant) {
        owe(2, from: time ?? now + Self.pause)
    }

    /// PostgreSQL failed, and may be another one when it answers again. A statement whose answer
    /// got lost may be committed late.
    mutating func note(_ error: StoreError, at now: ContinuousClock.Instant) {
        if case .unknown = error { owe(20, from: now) } else { owe(2, from: now) }
    }

    mutating func noteLook(at now: ContinuousClock.Instant) {
        count -= 1
        time = count > 0 ? now + Self.pause : nil
    }

    private mutating func owe(_ looks: Int, from time: ContinuousClock.Instant) {
        count = max(count, looks)
        self.time = time
    }
}
