/// Measurements of one kind under one name, as Prometheus reads them.
public struct Metric: Sendable, Hashable {
    /// What the numbers of a metric mean.
    public enum Kind: String, Sendable, Hashable {
        /// Only ever rises while the process lives.
        case counter
        /// Rises and falls.
        case gauge
        /// Counts observations in buckets, each with all that came before it.
        case histogram
    }

    /// One number and the labels that tell it from the others of its metric.
    public struct Sample: Sendable, Hashable {
        /// What follows the metric's name: empty, or `_bucket`, `_sum`, `_count` of a histogram.
        public var suffix: String
        /// Names and values in the order they are written. Values must come from a bounded set.
        public var labels: [Label]
        /// The measured number, in the unit the metric's name says.
        public var value: Double

        /// A number with its labels.
        public init(_ value: Double, labels: [Label] = [], suffix: String = "") {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// A label's name and value.
    public struct Label: Sendable, Hashable {
        /// Letters, digits and underscores.
        public var name: String
        /// Any text; escaped when written.
        public var value: String

        /// As in `Label("queue", "default")`.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Letters, digits and underscores, with the unit in the name, as in `tasq_commit_seconds`.
    public var name: String
    /// What the numbers mean.
    public var kind: Kind
    /// One plain sentence.
    public var help: String
    /// The numbers, told apart by their labels.
    public var samples: [Sample]

    /// A metric of any number of samples.
    public init(_ name: String, _ kind: Kind, help: String, samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// A metric of one number without labels.
    public init(_ name: String, _ kind: Kind, help: String, value: Double) {
        self.init(name, kind, help: help, samples: [Sample(value)])
    }
}
