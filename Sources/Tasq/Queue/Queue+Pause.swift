extension Queue {
    /// Jobs of a resumed queue that are announced at once; the sweep finds those behind them.
    static let resumeLimit = 10_000
    private static let resumePage = 1000

    /// Lets the jobs of a queue wait however many slots are free. Every claim asks for it, so it
    /// holds everywhere once this returns; jobs that run already go on.
    public func pause(_ queue: Name) async throws(StoreError) {
        try await store.setPaused(true, queue)
    }

    /// Lets a queue's jobs run again, and announces those that wait: workers took and dropped
    /// their announcements meanwhile.
    public func resume(_ queue: Name) async throws(StoreError) {
        try await store.setPaused(false, queue)
        var cursor: QueuedCursor? = QueuedCursor(
            queue: queue, priority: Priority(unchecked: 0), runAt: Timestamp(microseconds: 0),
            id: JobID(high: 0, low: 0))
        var announced = 0
        while let start = cursor, announced < Self.resumeLimit, doorbell.announcer.rings {
            let page = try await store.queued(after: start, limit: Self.resumePage)
            let own = page.jobs.filter { $0.queue == queue }
            doorbell.ring(own)
            announced += own.count
            // The walk goes on to the next queue; ours is over then.
            cursor = own.count == page.jobs.count ? page.next : nil
        }
    }
}
