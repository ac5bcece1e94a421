import Foundation
public import Tasq

/// A job that waits, as its type reads it.
public struct EnqueuedJob<J: Job>: Sendable {
    /// The payload, decoded.
    public let job: J
    /// The row.
    public let record: JobRecord
}

extension Catalog {
    /// The jobs of a type that wait, scheduled or queued, in the order in which they were put in.
    ///
    /// - Parameters:
    ///   - type: The type; jobs are found by its kind.
    ///   - queue: Only those of this queue, if it is not nil.
    /// - Throws: `TestingError` for a job of the kind that the type does not decode.
    public func enqueued<J: Job>(
        _ type: J.Type, on queue: String? = nil
    ) async throws -> [EnqueuedJob<J>] {
        let filter = JobFilter(
            queue: try queue.map { try Name($0, field: "queue") }, kind: try Name(J.kind))
        var found: [EnqueuedJob<J>] = []
        var cursor: JobCursor?
        repeat {
            let page = try await jobs(matching: filter, after: cursor, limit: 1000)
            for record in page.jobs where record.status == .scheduled || record.status == .queued {
                found.append(EnqueuedJob(job: try await decoded(record), record: record))
            }
            cursor = page.next
        } while cursor != nil
        return found.reversed()
    }

    /// Throws `TestingError`, which names what there is, unless a job of a type waits that is as
    /// expected; returns the first that is.
    ///
    /// - Parameters:
    ///   - type: The type; jobs are found by its kind.
    ///   - queue: Only those of this queue, if it is not nil.
    ///   - isExpected: Whether a job is the one; any is, if it is not said.
    @discardableResult
    public func expectEnqueued<J: Job>(
        _ type: J.Type, on queue: String? = nil,
        where isExpected: (J) throws -> Bool = { _ in true }
    ) async throws -> EnqueuedJob<J> {
        let waiting = try await enqueued(type, on: queue)
        if let found = try waiting.first(where: { try isExpected($0.job) }) { return found }
        let place = queue.map { " on the queue \($0)" } ?? ""
        guard !waiting.isEmpty else {
            throw TestingError.failed("no job of the kind \(J.kind) waits\(place)")
        }
        let shown = waiting.prefix(5).map { "\($0.job)" }.joined(separator: ", ")
        throw TestingError.failed(
            "none of the \(waiting.count) jobs of the kind \(J.kind) that wait\(place) "
                + "is as expected: \(shown)")
    }

    private func decoded<J: Job>(_ record: JobRecord) async throws -> J {
        guard let payload = try await payload(of: record.id) else {
            throw TestingError.failed("the body of job \(record.id) is gone")
        }
        do {
            return try JSONDecoder().decode(J.self, from: Data(payload.body))
        } catch {
            throw TestingError.failed("job \(record.id) is no \(J.self): \(error)")
        }
    }
}
