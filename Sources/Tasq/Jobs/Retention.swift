/// How long finished jobs are kept, by how they ended, and by queue where a queue has its own.
///
/// Whoever holds the maintenance term prunes what has been kept for longer: the job, its attempts, and
/// its body unless another job uses it. A job that waits or runs is never pruned.
public struct Retention: Sendable, Hashable {
    /// How long jobs are kept after their end, by their status; `nil` for ever.
    ///
    /// Zero lets them go as soon as they are looked at, and less than zero counts as zero; more than
    /// ``Retention/longest`` counts as that. A job is known to whoever repeats its enqueue, as after an
    /// answer that got lost, for no longer than it is kept: with next to nothing it may run again.
    public struct Ages: Sendable, Hashable {
        /// Of those that ended well.
        public var success: Duration?
        /// Of those that ended badly.
        public var error: Duration?
        /// Of those that were called off.
        public var cancelled: Duration?

        /// Makes ages; what is left out is kept for ever.
        public init(
            success: Duration? = nil, error: Duration? = nil, cancelled: Duration? = nil
        ) {
            self.success = success
            self.error = error
            self.cancelled = cancelled
        }

        /// How long jobs of this status are kept; for ever those that are not finished, whatever is set.
        public subscript(status: JobStatus) -> Duration? {
            get {
                switch status {
                case .success: success
                case .error: error
                case .cancelled: cancelled
                case .scheduled, .queued, .executing: nil
                }
            }
            set {
                switch status {
                case .success: success = newValue
                case .error: error = newValue
                case .cancelled: cancelled = newValue
                case .scheduled, .queued, .executing: break
                }
            }
        }
    }

    /// The longest time after which anything goes: a hundred years.
    public static let longest = JobLimits.delay

    /// Nothing is pruned.
    public static let forever = Retention(Ages())

    /// What the program does unless it is told otherwise: success goes after 7 days, what was cancelled
    /// after 30, and what failed after 90.
    public static let usual = Retention(
        Ages(
            success: .seconds(7 * 86_400), error: .seconds(90 * 86_400),
            cancelled: .seconds(30 * 86_400)))

    /// Of every queue that has none of its own.
    public var ages: Ages
    /// Of these queues, all three of them, in place of ``ages``.
    public var queues: [Name: Ages]

    /// Makes a retention of these ages.
    public init(_ ages: Ages, queues: [Name: Ages] = [:]) {
        self.ages = ages
        self.queues = queues
    }

    /// Whether any job ever goes.
    package var prunes: Bool {
        ([ages] + queues.values).contains { ages in
            JobStatus.finished.contains { ages[$0] != nil }
        }
    }

    /// The same for jobs of one status alone, of one queue alone, or both.
    package func only(_ status: JobStatus?, on queue: Name?) -> Retention {
        func narrowed(_ ages: Ages) -> Ages {
            guard let status else { return ages }
            var one = Ages()
            one[status] = ages[status]
            return one
        }
        if let queue { return Retention(Ages(), queues: [queue: narrowed(queues[queue] ?? ages)]) }
        return Retention(narrowed(ages), queues: queues.mapValues(narrowed))
    }
}

extension Retention: CustomStringConvertible {
    /// Queues that are named, at most.
    private static let namedQueues = 10

    /// What goes when, on one line, as in `success after 7d, error after 90d, cancelled never`.
    public var description: String {
        let own = queues.sorted { $0.key < $1.key }
        let named = own.prefix(Self.namedQueues).map { "; of queue \($0.key) \($0.value)" }
        let rest = own.count - named.count
        return ages.description + named.joined() + (rest > 0 ? "; and of \(rest) more queues" : "")
    }
}

extension Retention.Ages: CustomStringConvertible {
    /// What goes when, on one line.
    public var description: String {
        JobStatus.finished.map { status in
            guard let age = self[status] else { return "\(status.rawValue) never" }
            return age > .zero
                ? "\(status.rawValue) after \(DurationText.format(age))"
                : "\(status.rawValue) at once"
        }.joined(separator: ", ")
    }
}

extension JobStatus {
    /// Those of jobs that are over.
    package static let finished = allCases.filter(\.isFinal)
}
