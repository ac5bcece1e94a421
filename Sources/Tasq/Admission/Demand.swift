/// What one call brings to one queue.
struct Demand: Sendable, Hashable {
    let queue: Name
    /// All of its jobs for that queue.
    var jobs = 0
    /// Those that wait from now on, and not for a time of their own.
    var due = 0
    /// They are of one event, which cannot come in parts: it fits wherever nothing waits.
    let isEvent: Bool

    /// What some jobs bring, by queue, in the order in which the queues come.
    static func all(of jobs: [NewJob], isEvent: Bool = false) -> [Demand] {
        var demands: [Demand] = []
        var last = 0
        for job in jobs {
            let queue = job.options.queue
            if !demands.indices.contains(last) || demands[last].queue != queue {
                last = demands.firstIndex { $0.queue == queue } ?? demands.count
                if last == demands.count {
                    demands.append(Demand(queue: queue, isEvent: isEvent))
                }
            }
            demands[last].jobs += 1
            if job.start.isDue { demands[last].due += 1 }
        }
        return demands
    }
}
