import Synchronization

/// Shows that the tasks of this process run: a number that rises as long as they do.
///
/// A handler that blocks its thread holds one of the few that all tasks share. When all are held,
/// nothing of this process goes on but the heartbeat's own thread, and it is worse than dead: it
/// keeps its claims and can settle none of them.
final class Pulse: Sendable {
    static let pause = Duration.milliseconds(250)

    private let beats = Atomic<Int>(0)

    var count: Int { beats.load(ordering: .relaxed) }

    /// Beats until cancelled, and does this with each beat.
    func run(_ each: () -> Void = {}) async {
        while await sleep(for: Self.pause) {
            beats.add(1, ordering: .relaxed)
            each()
        }
    }
}
