/// Where the limits of queues are read.
public protocol LimitReader: Sendable {
    /// The limits behind that of a queue, by queue, at most `limit` (1 to 10 000); with the levels of
    /// these queues, each counted as far as its limit, or with those of all where `queues` is `nil`.
    ///
    /// Limits alone that cannot be read are ``StoreError/rejected(sqlState:_:)`` to whoever names queues.
    func limits(
        after queue: Name?, upTo limit: Int, levelsOf queues: [Name]?
    ) async throws(StoreError) -> [LimitStanding]

    /// The limit of a queue, and how far it is from it; `nil` where it has none.
    func limit(of queue: Name) async throws(StoreError) -> LimitStanding?
}

/// Where the limits of queues stand.
public protocol LimitStore: StoreHealth, LimitReader {
    /// Sets limits, or others in their place, in one transaction. With `isConfiguration`, those of a
    /// configuration that are not named are taken away.
    func put(limits: [FlowLimit], isConfiguration: Bool) async throws(StoreError)

    /// Takes the limit of a queue away; `false` when it had none.
    func clearLimit(of queue: Name) async throws(StoreError) -> Bool
}
