/// Many runs, made one after the other or beside each other, and told of as they end.
struct Sitting: Sendable {
    let runs: [Run]
    /// How many go on at once, see ``Rota``.
    let atOnce: Int
    /// Where each is written down as soon as it has ended.
    let record: RecordFile?
    /// Whether each is told as a JSON document.
    let json: Bool
    /// What one of them does. Asked for each when it begins, because a fault keeps the servers that
    /// it prepares for as long as it is kept itself.
    let plan: @Sendable (Run) -> Plan

    /// Makes them all; returns what they came to, in the order they ended.
    func make() async throws -> [Document] {
        guard !runs.isEmpty else { return [] }
        let scratch = try await Scratch.start()
        let documents = try await withThrowingTaskGroup(of: Ended.self) { group in
            let start = ContinuousClock.now
            var rota = Rota(runs, atOnce: atOnce)
            var pace = Pace(runs, atOnce: atOnce, known: known)
            var made: [Document] = []
            while made.count < runs.count {
                while let run = rota.next() {
                    group.addTask { try await make(run, scratch) }
                }
                guard let last = try await group.next() else { break }
                rota.ended()
                if let moved = last.moved {
                    rota.again(last.run)
                    let misses = (last.document.findings.map(\.invariant) + last.document.misses)
                        .joined(separator: "; ")
                    let kept = moved.evidence.map { ", kept in \($0)" } ?? ""
                    Terminal.note(
                        "\(last.run.fault), seed \(last.run.seed), is made again alone: beside "
                            + "others it missed \(misses)\(kept)")
                    continue
                }
                try record?.add(last.document)
                pace.ended(last.run, after: last.duration)
                if runs.count > 1 {
                    let gone = ContinuousClock.now - start
                    Terminal.note("\(last.words); \(pace.text(gone: gone))")
                }
                made.append(last.document)
            }
            return made
        }
        await scratch.stop()
        return documents
    }

    /// How long the same took in earlier sittings.
    private var known: [String: [Double]] {
        guard let earlier = record?.record.runs else { return [:] }
        var known: [String: [Double]] = [:]
        for name in Set(runs.map(\.fault)) {
            guard let run = runs.first(where: { $0.fault == name }) else { continue }
            let plan = plan(run)
            let alike = earlier.filter { earlier in
                earlier.error == nil && earlier.jobs == plan.jobs && earlier.isAlike(plan)
            }
            if !alike.isEmpty { known[name] = alike.map(\.wholeSeconds) }
        }
        return known
    }

    /// A run that has ended.
    private struct Ended: Sendable {
        let run: Run
        let document: Document
        let duration: Duration
        /// Its report if others did that, see ``Report/isMoved``.
        let moved: Report?

        /// As in `calm, seed 1, held in 63 s`.
        var words: String {
            let verdict =
                if document.error != nil {
                    "no report after"
                } else if document.clean {
                    "held in"
                } else {
                    "did not hold, in"
                }
            return "\(run.fault), seed \(run.seed), \(verdict) \(Pace.text(of: duration))"
        }
    }

    private func make(_ run: Run, _ scratch: Scratch) async throws -> Ended {
        let start = ContinuousClock.now
        let (document, moved) = try await document(of: run, scratch)
        // One that was broken off shows nothing.
        try Task.checkCancellation()
        return Ended(
            run: run, document: document, duration: ContinuousClock.now - start, moved: moved)
    }

    /// What came of it, and the report if others did that, see ``Report/isMoved``.
    private func document(
        of run: Run, _ scratch: Scratch
    ) async throws -> (Document, moved: Report?) {
        var plan = plan(run)
        plan.isBeside = run.isBeside
        let name = "\(run.fault), seed \(run.seed)"
        do {
            let report = try await Trial(plan: plan, scratch: scratch) { phase in
                Terminal.phase("\(name): \(phase)")
            }.run()
            try Task.checkCancellation()
            if !report.isMoved { Terminal.result(json ? report.json : report.text) }
            return (Document(report), report.isMoved ? report : nil)
        } catch let error as TrialError {
            try Task.checkCancellation()
            Terminal.note("\(name): NO REPORT: \(error)")
            return (Document(plan, error: "\(error)"), nil)
        }
    }
}
