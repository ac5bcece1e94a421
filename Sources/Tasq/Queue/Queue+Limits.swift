extension Queue {
    /// Sets limits of queues, or others in their place, all or none. Processes that put jobs in learn of
    /// it within two seconds.
    ///
    /// - Throws: ``InvalidInput`` where a queue is named twice, ``StoreError``.
    public func limit(_ limits: [FlowLimit]) async throws {
        var queues: Set<Name> = []
        for limit in limits {
            guard queues.insert(limit.queue).inserted else {
                throw InvalidInput(field: "queue", "must not be given twice")
            }
        }
        guard !limits.isEmpty else { return }
        try await store.put(limits: limits, isConfiguration: false)
    }

    /// Takes the limit of a queue away; `false` when it had none.
    public func clearLimit(of queue: Name) async throws(StoreError) -> Bool {
        try await store.clearLimit(of: queue)
    }

    /// The limit of a queue, and how far it is from it; `nil` where it has none.
    public func limit(of queue: Name) async throws(StoreError) -> LimitStanding? {
        try await store.limit(of: queue)
    }

    /// The limits behind that of a queue, by queue, at most `count` (1 to 10 000), and how far the
    /// queues are from them.
    public func limits(
        after queue: Name? = nil, upTo count: Int = 10_000
    ) async throws(StoreError) -> [LimitStanding] {
        try await store.limits(after: queue, upTo: count, levelsOf: nil)
    }
}
