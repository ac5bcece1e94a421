public import Tasq

extension PostgresStore {
    /// One commit, fenced by the claim; a repetition of one whose answer got lost is recognised.
    public func settle(_ settlements: [Settlement]) async throws(StoreError) -> SettleAnswer {
        guard !settlements.isEmpty else { return SettleAnswer(settled: []) }
        var parameters = Parameters()
        parameters.append(settlements.map(\.job))
        parameters.append(settlements.map(\.claim))
        parameters.append(settlements.map { $0.verdict.word }.oneIfAlike)
        // Whoever decided on a delay has kept it within the limit.
        parameters.append(
            settlements.map { settlement -> Int64? in
                settlement.verdict.delay.map { min(max(.zero, $0), JobLimits.delay).inMicroseconds }
            }.noneIfNil())
        parameters.append(settlements.map { $0.verdict.reason.map(storable) }.noneIfNil())
        FailPoint.beforeCommit.reach()
        var answer = SettleAnswer(
            settled: try await pool.run(statements.settle, parameters).read(settled))
        FailPoint.afterCommit.reach()
        guard answer.settled.count < settlements.count else { return answer }

        // Some claims were not ended: taken away, their job row locked at that moment, or settled
        // by a first try whose answer got lost.
        let found = Set(answer.settled.map(\.claim))
        let missing = settlements.filter { !found.contains($0.claim) }
        var question = Parameters()
        question.append(missing.map(\.job))
        question.append(missing.map(\.claim))
        question.append(missing.map { $0.verdict.wordAfterwards })
        try await pool.run(statements.settledBefore, question).read { row throws(StoreError) in
            let one = try settled(&row)
            let stands: Bool = try row.next()
            if stands { answer.heldUp.insert(one.claim) } else { answer.settled.append(one) }
        }
        return answer
    }

    private func settled(_ row: inout Row) throws(StoreError) -> Settled {
        let (id, claim): (JobID, ClaimToken) = try (row.next(), row.next())
        let status: JobStatus = try row.next()
        let (queue, priority): (Name, Priority) = try (row.next(), row.next())
        return Settled(
            announcement: Announcement(id: id, queue: queue, priority: priority), claim: claim,
            status: status)
    }
}

/// A text PostgreSQL stores whatever it was: without NUL, cut to the column's limit at a
/// character's border. A Swift string is valid UTF-8 already.
func storable(_ text: String) -> String {
    var bytes = 0
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        let kept = scalar.value == 0 ? "\u{FFFD}" : scalar
        bytes += UTF8.width(kept)
        guard bytes <= JobLimits.reasonBytes else { break }
        result.append(kept)
    }
    return String(result)
}
