import Tasq

/// No faults, but the runs in which an order can be asked for.
extension Fault {
    static var orderFaults: [Fault] {
        [
            order(
                "order", "one worker with one slot starts jobs in the order they came in",
                // Of jobs that come in together, one request or several, none is the first.
                Setup(
                    slots: 1, workers: 1, programs: [.chaos], rate: 100,
                    load: .plain(milliseconds: 1),
                    settings: [("ordered", 1), ("displacement", 40)])),
            order(
                "order-workers", "workers start jobs in the order they came in, as far as they can",
                // The same, beside 24 on board, and as many that have been taken.
                Setup(
                    slots: 8, workers: 3, programs: [.chaos], rate: 100,
                    load: .plain(milliseconds: 1),
                    settings: [("ordered", 1), ("displacement", 88)])),
        ]
    }

    private static func order(_ name: String, _ summary: String, _ setup: Setup) -> Fault {
        Fault(
            name: name, summary: summary, setup: setup,
            hasNoRecovery: "there is nothing to recover from"
        ) { rig in
            try await rig.pass(.seconds(3))
            return []
        }
    }
}
