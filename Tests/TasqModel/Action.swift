/// One move, as a trace tells it.
enum Action: Sendable {
    case begin(Flight)
    case step(Flight, Int, Step)
    case commit(Flight)
    case commitUnanswered(Flight)
    case abort(Flight)
    case disconnect(Flight)
    case die(UInt8)
    case rise(UInt8)
    case learn(UInt8, UInt8)
    case bury(UInt8, isAlive: Bool)
    case ask(Int, UInt8, String)
    case audit(Int, UInt8)
    case list(UInt8)
}

extension Action: CustomStringConvertible {
    var description: String {
        switch self {
        case .begin(let flight): "\(flight) begins: its snapshot is taken"
        case .step(let flight, let job, let step): "\(flight) \(text(step, flight)) job \(job + 1)"
        case .commit(let flight): "\(flight) commits"
        case .commitUnanswered(let flight): "\(flight) commits, and the answer gets lost"
        case .abort(let flight): "\(flight) is aborted"
        case .disconnect(let flight): "\(flight) loses its client and goes on"
        case .die(let worker): "\(name(worker)) dies"
        case .rise(let worker): "a new process registers as \(name(worker))"
        case .learn(let old, let new):
            "\(name(old)) learns that it was buried and registers as \(name(new))"
        case .bury(let worker, let isAlive):
            "\(name(worker)) is buried" + (isAlive ? ": it is paused, not dead" : "")
        case .ask(let job, let worker, let answer):
            "\(name(worker)) asks what became of its outcome of job \(job + 1): \(answer)"
        case .audit(let job, let worker):
            "\(name(worker)) finds a claim on job \(job + 1) that it does not know"
        case .list(let rows): "the reaper lists \(names(rows)) as orphans"
        }
    }

    private func text(_ step: Step, _ flight: Flight) -> String {
        switch step {
        case .lock: "reaches the row of"
        case .insertClaim: "inserts a claim on"
        case .deleteClaim: "deletes the claim on"
        case .writeJob: "updates"
        case .takeKey: "takes the unique key for"
        case .freeKey: "frees the unique key of"
        }
    }
}

extension Flight: CustomStringConvertible {
    var description: String {
        let whose = worker == Flight.nobody ? "the" : "\(name(worker))'s"
        let first = parts[0].isConcerned
        let second = parts[1].isConcerned
        let rows: UInt8 = (first ? 1 : 0) + (second ? 2 : 0)
        return "\(whose) \(statement) of \(names(rows))" + outcome
    }

    private var outcome: String {
        let verdicts = [parts[0], parts[1]].filter { $0.token != 0 }.map { "\($0.verdict)" }
        return verdicts.isEmpty ? "" : " (\(verdicts.joined(separator: ", ")))"
    }
}

extension Part {
    fileprivate var isConcerned: Bool { !isOut || holdsJob || wroteClaim || token != 0 }
}

private func name(_ worker: UInt8) -> String {
    "worker " + (worker & 1 == 0 ? "A" : "B") + (worker < 2 ? "" : "\(worker / 2 + 1)")
}

private func names(_ rows: UInt8) -> String {
    switch rows {
    case 1: "job 1"
    case 2: "job 2"
    case 3: "jobs 1 and 2"
    default: "no job"
    }
}
