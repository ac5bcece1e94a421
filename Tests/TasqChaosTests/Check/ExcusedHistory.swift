import Testing

@testable import TasqChaos

/// A change of the good story that breaks an invariant while a fault goes on which may excuse it.
struct ExcusedHistory: Sendable, CustomTestStringConvertible {
    let excuse: Fault.Excuse
    let invariant: String
    /// Run after the good story.
    let change: String

    var testDescription: String { excuse.rawValue }

    private init(_ excuse: Fault.Excuse, _ invariant: String, _ change: String) {
        self.excuse = excuse
        self.invariant = invariant
        self.change =
            "SELECT happened(10000, 'fault.start', 1, NULL, 'long'), "
            + "happened(20000, 'fault.stop', 1, NULL, 'long');" + change
    }

    static let all: [ExcusedHistory] = [
        ExcusedHistory(.orphans, "I9", looking("orphans => 1")),
        ExcusedHistory(.stuck, "I10", looking("oldest => 4000")),
        ExcusedHistory(.connections, "I20", looking("connections => 60")),
        ExcusedHistory(
            .lists, "I20",
            """
            INSERT INTO event (t, p, e, name, x)
            VALUES (15000e6, 'chaos', 'sample', 'redis', '{"listed": 500}');
            """),
        ExcusedHistory(.beats, "I24", "SELECT beat(1, 100, 'U', 13000);"),
    ]

    /// What is seen from the eleventh to the nineteenth second.
    private static func looking(_ seen: String) -> String {
        """
        DELETE FROM event WHERE e = 'sample' AND name = 'postgres' AND t BETWEEN 11000e6 AND 19000e6;
        SELECT looked(g, \(seen)) FROM generate_series(11000, 19000, 250) AS g;
        """
    }
}
