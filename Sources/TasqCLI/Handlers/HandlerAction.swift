import Tasq

/// What a handler of the configuration does with its jobs. Each action has a file beside this one,
/// and a place in ``HandlerEntry/actions``.
protocol HandlerAction: Sendable {
    /// The key in a handler's entry that asks for it, as in `noop: {}`.
    static var name: String { get }
    /// What it does and what counts as success, as `tasq work --help` tells it.
    static var summary: String { get }

    /// Reads it from a handler's entry; reports what is wrong and gives `nil` when it is unusable.
    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver)

    /// Ready to run. `field` is the entry's place, as in `handlers.github`; what has to be closed
    /// in the end is left in `set`.
    func handler(at field: String, in set: inout HandlerSet) throws(InvalidInput) -> Handler
}

extension HandlerEntry {
    /// Every action, in the order in which they are told.
    static let actions: [any HandlerAction.Type] = [
        HTTPAction.self, CommandAction.self, LogAction.self, NoopAction.self, SleepAction.self,
    ]
}
