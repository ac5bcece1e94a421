import Tasq
import TasqWebhooks

/// The handlers of a configuration, ready to run.
struct HandlerSet: Sendable {
    /// What the worker asks.
    private(set) var table = HandlerTable()
    /// Where `command` handlers look for programs.
    let path: String
    /// What ends the programs that are left.
    let guardian: CommandGuard?
    /// How many jobs the worker runs at once; `nil` where none are run.
    let slots: Int?
    /// Whose connections are closed in the end.
    var targets: [TargetClient] = []

    /// Throws ``InvalidInput`` naming the handler that cannot be made.
    init(
        _ entries: [HandlerEntry], path: String, guardian: CommandGuard? = nil,
        slots: Int? = nil
    ) throws(InvalidInput) {
        self.path = path
        self.guardian = guardian
        self.slots = slots
        for entry in entries {
            var handler = try entry.action.handler(at: entry.field, in: &self)
            handler.timeout = entry.timeout
            handler.retry = entry.retry
            try table.add(entry.pattern, handler)
        }
    }

    /// Closes the connections to targets.
    func shutdown() async {
        for target in targets { await target.shutdown() }
    }
}
