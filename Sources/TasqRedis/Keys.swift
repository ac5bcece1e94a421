import Tasq

/// The names of tasq's keys. The braces keep all lists of a queue on one node of a cluster.
struct Keys: Sendable {
    let prefix: String

    /// The list of a queue's jobs of one priority; newest on the left, taken from the right.
    func list(_ queue: Name, _ priority: Priority) -> String {
        "\(prefix):{\(queue)}:ready:\(priority.level)"
    }

    /// The lists of a queue, most urgent first.
    func lists(_ queue: Name) -> [String] {
        Priority.all.map { list(queue, $0) }
    }

    /// The lists of several queues: all of one priority before any of the next.
    func lists(byUrgency queues: [Name]) -> [String] {
        Priority.all.flatMap { priority in queues.map { list($0, priority) } }
    }

    /// What the keys of all lists match; a prefix has no character that `MATCH` takes for its own.
    var listPattern: String { "\(prefix):{*}:ready:*" }

    /// The queue whose list has this key; `nil` for another key.
    func queue(ofList key: String) -> Name? {
        let start = "\(prefix):{"
        guard key.hasPrefix(start), let end = key.lastIndex(of: "}"),
            let queue = try? Name(String(key.dropFirst(start.count).prefix(upTo: end))),
            lists(queue).contains(key)
        else { return nil }
        return queue
    }

    /// The channel on which a worker listens, so that it is seen; nothing is ever published there.
    func presence(of worker: WorkerID) -> String { "\(prefix):{worker}:\(worker)" }

    /// Where the epoch mark stands.
    var epoch: String { "\(prefix):{epoch}" }

    /// Where the epoch mark of a queue stands in a cluster: in the slot of its lists, so that
    /// whatever loses them loses it too.
    func epoch(of queue: Name) -> String { "\(prefix):{\(queue)}:epoch" }

    /// What the keys of the marks of all queues match.
    var epochPattern: String { "\(prefix):{*}:epoch" }
}
