extension Queue {
    /// Jobs of one statement of an action.
    package static let actionLimit = 500
    /// How often a job whose row somebody holds is tried, and the pause between two tries.
    static let heldUpTries = 40
    static let heldUpPause = Duration.milliseconds(50)

    /// Retries, cancels or deletes jobs, each as far as its status allows, and announces what was
    /// queued. Answers in the order of `ids`, each id once.
    ///
    /// A row that somebody holds is waited for, up to two seconds in all, and a unique key that
    /// somebody has locked is tried twice; ``JobActionResult/heldUp`` says that it was in vain. The
    /// other jobs do not wait. More than 500 ids are several transactions: an error leaves those before
    /// it done, and the same call may be repeated.
    public func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer] {
        var answers: [JobID: JobActionAnswer] = [:]
        var order: [JobID] = []
        for id in ids where answers.updateValue(.init(id: id, result: .heldUp), forKey: id) == nil {
            order.append(id)
        }
        var open = order
        var isRepeated: Set<JobID> = []
        var isContended: Set<JobID> = []
        let end = ContinuousClock.now + Self.heldUpPause * Self.heldUpTries
        for attempt in 0..<Self.heldUpTries where !open.isEmpty {
            if attempt > 0 { await sleep(for: Self.heldUpPause) }
            var batches = open.batches(of: Self.actionLimit)
            open = []
            while let batch = batches.popLast() {
                // Many keys that one transaction holds must not hold up a page for long.
                let patience = ContinuousClock.now < end ? Self.keyPatience : Self.latePatience
                let found: [JobActionAnswer]
                do throws(StoreError) {
                    found = try await store.apply(action, to: batch, patience: patience)
                } catch {
                    switch error {
                    case .unknown where isRepeated.isDisjoint(with: batch):
                        // The same call again: what it did before reads as done already.
                        isRepeated.formUnion(batch)
                        batches.append(batch)
                    case .contended where batch.count > 1:
                        batches += batch.batches(of: (batch.count + 1) / 2)
                    case .contended:
                        // Once more at the end, then it stays held up.
                        if isContended.insert(batch[0]).inserted { open += batch }
                    default: throw error
                    }
                    continue
                }
                doorbell.ring(found.compactMap(\.announcement))
                for answer in found { answers[answer.id] = answer }
                open += found.filter { $0.result == .heldUp }.map(\.id)
            }
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

extension [JobID] {
    /// The last ones first, as they are taken from the end.
    fileprivate func batches(of count: Int) -> [[JobID]] {
        stride(from: 0, to: self.count, by: count).reversed().map {
            Array(self[$0..<Swift.min($0 + count, self.count)])
        }
    }
}
