/// Where a job stands.
///
///     scheduled ──due──▶ queued ──claim──▶ executing ──▶ success, error or cancelled
///         ▲                 ▲                  │
///         └── retry later ──┴── retry now ─────┘
public enum JobStatus: String, Sendable, Hashable, CaseIterable, Codable {
    /// Waits for its time.
    case scheduled
    /// Waits for a free slot.
    case queued
    /// One worker holds its row in `executing_job`.
    case executing
    /// Ended well; never runs again by itself.
    case success
    /// Ended badly: attempts used up, too many crashes, or the handler said so. Listed as long as it
    /// is kept.
    case error
    /// Called off.
    case cancelled

    /// Whether a job in this status is over.
    public var isFinal: Bool { self == .success || self == .error || self == .cancelled }
}
