import ArgumentParser

/// What `tasq bench` can measure.
enum Scenario: String, Sendable, CaseIterable, ExpressibleByArgument {
    case enqueue, drain, steady, latency, ingest, history, backlog, reconcile, payload, idle
    case burst, slots, outage, crash, held, shared, target, term

    /// One line for `--list`.
    var summary: String {
        switch self {
        case .enqueue: "how fast jobs are committed: 1, 8 and 64 callers, and in bulk"
        case .drain: "how fast one worker runs no-op jobs that wait, and its peak memory"
        case .steady: "jobs completed a second while others are enqueued"
        case .latency: "commit to the handler's first line, idle and under load"
        case .ingest: "signed webhooks a second over 64 connections"
        case .history: "drain, idle pickup and lists beside a large history of finished jobs"
        case .backlog: "drain and an urgent job's pickup before a large backlog"
        case .reconcile: "how soon a flushed Redis knows every queued job again"
        case .payload: "drain by size of the body"
        case .idle: "what a worker with nothing to do asks of both servers"
        case .burst: "drain of jobs that come at once, with statistics of the quiet time before"
        case .slots: "drain with 1, 10, 32, 64 and 100 slots"
        case .outage: "drain without Redis, beside the same with it"
        case .crash: "a killed worker: its jobs' return, and what the others' jobs notice"
        case .held: "enqueue of unique jobs beside a transaction that holds somebody's key"
        case .shared: "two databases on one Redis prefix, and workers that know different kinds"
        case .target: "deliveries to one target behind a backlog of another that never answers"
        case .term: "a delayed job's pickup while a term of nobody ends in an hour"
        }
    }
}
