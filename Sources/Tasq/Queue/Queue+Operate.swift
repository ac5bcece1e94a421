extension Queue {
    /// Jobs of one statement of an action.
    package static let actionLimit = 500
    /// How often a job whose row somebody holds is tried, and the pause between two tries.
    static let heldUpTries = 40
    static let heldUpPause = Duration.milliseconds(50)

    /// Retries, cancels or deletes jobs, each as far as its status allows, and announces what was
    /// queued. Answers in the order of `ids`, each id once.
    ///
    /// A row that somebody holds is waited for, up to two seconds in all;
    /// ``JobActionResult/heldUp`` says that it was in vain. More than 500 ids are several
    /// transactions: an error leaves those before it done, and the same call may be repeated.
    public func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer] {
        var answers: [JobID: JobActionAnswer] = [:]
        var order: [JobID] = []
        for id in ids where answers.updateValue(.init(id: id, result: .heldUp), forKey: id) == nil {
            order.append(id)
        }
        var open = order[...]
        var isRepeated: Set<JobID> = []
        for attempt in 0..<Self.heldUpTries where !open.isEmpty {
            if attempt > 0 { await sleep(for: Self.heldUpPause) }
            var heldUp: [JobID] = []
            while !open.isEmpty {
                let batch = Array(open.prefix(Self.actionLimit))
                open = open.dropFirst(batch.count)
                let found: [JobActionAnswer]
                do throws(StoreError) {
                    found = try await store.apply(action, to: batch)
                } catch {
                    // The same call again: what it did before reads as done already.
                    guard case .unknown = error, isRepeated.isDisjoint(with: batch) else {
                        throw error
                    }
                    isRepeated.formUnion(batch)
                    open = (batch + open)[...]
                    continue
                }
                doorbell.ring(found.compactMap(\.announcement))
                for answer in found { answers[answer.id] = answer }
                heldUp += found.filter { $0.result == .heldUp }.map(\.id)
            }
            open = heldUp[...]
        }
        // One that is gone after a deletion whose answer got lost was deleted by it, or never was.
        return order.map { id in
            let answer = answers[id] ?? JobActionAnswer(id: id, result: .missing)
            guard action == .delete, answer.result == .missing, isRepeated.contains(id) else {
                return answer
            }
            return JobActionAnswer(id: id, result: .already)
        }
    }
}
