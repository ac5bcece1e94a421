import Tasq

extension PostgresStore {
    /// Tells which of these jobs stand, and who holds the unique keys of the others, after each holder
    /// was treated as its asker wants. One that is gone, or gave its key up, leaves its asker without
    /// an answer: the next round stores it. `rank` is the order in which jobs were asked for.
    func askForHolders(
        of jobs: [NewJob], rank: [JobID: Int] = [:], _ patience: Duration?,
        answers: inout [JobID: Enqueued]
    ) async throws(StoreError) {
        var question = Parameters()
        question.append(jobs.map(\.uniqueKey))
        question.append(jobs.map(\.id))
        var holders: [String: (id: JobID, status: JobStatus)] = [:]
        var ghosts: [String: JobID] = [:]
        let rows = try await pool.run(statements.uniqueHolders, question)
        let found = try rows.read { row throws(StoreError) -> (String?, JobID, String?) in
            try (row.next(), row.next(), row.next())
        }
        for (key, id, status) in found {
            guard let key else {
                answers[id] = .stored(id)
                continue
            }
            if let status = status.flatMap(JobStatus.init(rawValue:)) {
                holders[key] = (id, status)
            } else {
                ghosts[key] = id
            }
        }
        var yielding: [String: JobID] = [:]
        var disputed: [JobID: [NewJob]] = [:]
        let asked = jobs.sorted { rank[$0.id] ?? 0 < rank[$1.id] ?? 0 }
        for job in asked where answers[job.id] == nil {
            guard let key = job.uniqueKey, let holder = holders[key] else { continue }
            let waits = holder.status == .scheduled || holder.status == .queued
            if holder.id == job.id {
                answers[job.id] = .stored(job.id)
            } else if holder.status == .executing, job.uniqueWhile == .queued {
                yielding[key] = holder.id
            } else if waits, job.onConflict != .keep,
                rank[holder.id] ?? -1 < rank[job.id] ?? 0
            {
                disputed[holder.id, default: []].append(job)
            } else {
                answers[job.id] = .exists(holder.id)
            }
        }
        if !ghosts.isEmpty {
            var parameters = Parameters()
            parameters.append(ghosts.map(\.key))
            parameters.append(ghosts.map(\.value))
            try await write(statements.release, parameters)
        }
        if !yielding.isEmpty {
            _ = try await write(statements.yieldKey, patience) { wait in
                var parameters = Parameters()
                parameters.append(yielding.map(\.value))
                parameters.append(yielding.map(\.key))
                parameters.append(wait)
                return parameters
            }
        }
        try await replace(disputed, patience, answers: &answers)
        try await reschedule(disputed, patience, answers: &answers)
    }

    /// Of several that want one job's place, as callers written together may, the last one gets it; the
    /// others' word was older, and they are told of that one.
    private func replace(
        _ disputed: [JobID: [NewJob]], _ patience: Duration?, answers: inout [JobID: Enqueued]
    ) async throws(StoreError) {
        let pairs = lastWords(.replace, in: disputed)
        guard !pairs.isEmpty else { return }
        let jobs = pairs.map(\.job)
        let rows = try await write(statements.replace, patience) { wait in
            var parameters = Parameters()
            parameters.append(jobs.map(\.id))
            parameters.append(jobs.map(\.kind.description))
            parameters.append(jobs.map(\.start.delayMicroseconds))
            parameters.append(jobs.map(\.start.time))
            parameters.append(jobs.map(\.payload.contentType))
            parameters.append(bytesArray: jobs.map { HeaderBlock.encode($0.payload.headers) })
            parameters.append(bytesArray: jobs.map(\.payload.body))
            parameters.append(jobs.map(\.uniqueKey))
            parameters.append(pairs.map(\.holder))
            parameters.append(wait)
            parameters.append(optionsOf: jobs, isSpelledOut: true) { $0.options }
            return parameters
        }
        for id in try rows.column(of: JobID.self) { answers[id] = .stored(id) }
        for pair in pairs where answers[pair.job.id] != nil {
            for job in disputed[pair.holder] ?? [] where answers[job.id] == nil {
                answers[job.id] = .exists(pair.job.id)
            }
        }
    }

    /// The last one's time counts.
    private func reschedule(
        _ disputed: [JobID: [NewJob]], _ patience: Duration?, answers: inout [JobID: Enqueued]
    ) async throws(StoreError) {
        let pairs = lastWords(.reschedule, in: disputed)
        guard !pairs.isEmpty else { return }
        let rows = try await write(statements.reschedule, patience) { wait in
            var parameters = Parameters()
            parameters.append(pairs.map(\.holder))
            parameters.append(pairs.map(\.job.uniqueKey))
            parameters.append(pairs.map(\.job.start.delayMicroseconds))
            parameters.append(pairs.map(\.job.start.time))
            parameters.append(wait)
            return parameters
        }
        for id in try rows.column(of: JobID.self) {
            for job in disputed[id] ?? [] where job.onConflict == .reschedule {
                answers[job.id] = .exists(id)
            }
        }
    }

    /// The holders whose last asker wants this, with that one, in the order in which rows are locked.
    private func lastWords(
        _ policy: ConflictPolicy, in disputed: [JobID: [NewJob]]
    ) -> [(holder: JobID, job: NewJob)] {
        disputed.compactMap { holder, jobs in
            jobs.last.flatMap { $0.onConflict == policy ? (holder: holder, job: $0) : nil }
        }.sorted { $0.holder < $1.holder }
    }
}
