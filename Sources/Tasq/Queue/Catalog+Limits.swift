extension Catalog {
    /// Every queue as ``queues()`` has it, with its limit; those that have nothing but a limit, too.
    package func limitedQueues() async throws(StoreError) -> [QueueRecord] {
        var limits: [Name: LimitStanding] = [:]
        for standing in try await self.limits(after: nil, upTo: 10_000, levelsOf: nil) {
            limits[standing.limit.queue] = standing
        }
        var queues = try await self.queues()
        guard !limits.isEmpty else { return queues }
        for index in queues.indices {
            queues[index].limit = limits.removeValue(forKey: queues[index].name)
        }
        for (name, limit) in limits {
            queues.append(
                QueueRecord(
                    name: name, isPaused: false, scheduled: 0, queued: 0, executing: 0,
                    oldestWait: nil, limit: limit))
        }
        return queues.sorted { $0.name < $1.name }
    }
}
