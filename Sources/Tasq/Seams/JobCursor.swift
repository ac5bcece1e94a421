/// Where a page of jobs ended: newest first, by the time at which they were enqueued.
///
/// An id that tasq makes tells that time, so most jobs stand in the order of their ids. One whose id
/// was made otherwise, as from an `Idempotency-Key`, stands where its `enqueued_at` belongs among them.
public struct JobCursor: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The job the page ended with.
    public let id: JobID
    /// When it was enqueued, by PostgreSQL's clock.
    public let enqueuedAt: Timestamp

    /// The place of a job.
    public init(_ job: JobRecord) {
        id = job.id
        enqueuedAt = job.enqueuedAt
    }

    /// Reads a ``description``; `nil` for anything else. An ordinary job's id alone will do.
    public init?(_ text: String) {
        guard let id = JobID(text.prefix(36)) else { return nil }
        self.id = id
        guard !id.growsWithTime else {
            guard text.utf8.count == 36 else { return nil }
            enqueuedAt = Timestamp(microseconds: 0)
            return
        }
        let rest = text.dropFirst(36)
        guard rest.first == ".", rest.utf8.count <= 20,
            rest.dropFirst().utf8.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }), let time = Int64(rest.dropFirst()), time <= Self.latest
        else { return nil }
        enqueuedAt = Timestamp(microseconds: time)
    }

    /// The year 9999 is the last that is written as a time.
    private static let latest: Int64 = 253_402_300_799_999_999

    /// The job's id, and the microseconds of its time where the id does not tell it.
    public var description: String {
        id.growsWithTime ? id.description : "\(id).\(max(0, enqueuedAt.microseconds))"
    }

    /// Among ids that grow with time, the one just above which it stands.
    package var place: JobID {
        id.growsWithTime ? id : JobID(firstAt: enqueuedAt)
    }

    /// When the job was enqueued; of one whose id tells it, to the millisecond.
    package var time: Timestamp {
        id.growsWithTime ? id.time : enqueuedAt
    }

    /// Orders the older first.
    public static func < (left: Self, right: Self) -> Bool {
        guard left.place == right.place else { return left.place < right.place }
        return (left.enqueuedAt.microseconds, left.id) < (right.enqueuedAt.microseconds, right.id)
    }
}

extension Identifier {
    /// The ids of the years 2020 to 2100; one outside was made otherwise, or by a clock that was wrong.
    /// The index of those, and the statements that list jobs, name the same bounds.
    package static var years: Range<Self> {
        Self(high: 0x016F_5E66_E800_0000, low: 0)..<Self(high: 0x03BB_2CC3_D800_0000, low: 0)
    }

    /// Whether its first 48 bits are a likely time.
    package var growsWithTime: Bool { Self.years.contains(self) }

    /// What its first 48 bits are as a time, which is when it was made if it grows with time.
    package var time: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1000) }

    /// The least of a millisecond.
    package init(firstAt time: Timestamp) {
        let milliseconds = UInt64(clamping: time.microseconds / 1000) & 0xFFFF_FFFF_FFFF
        self.init(high: milliseconds << 16, low: 0)
    }
}
