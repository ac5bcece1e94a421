import Tasq
import TasqTesting

@testable import TasqPostgres

/// Jobs for a queue.
func newJobs(
    _ count: Int, on queue: String = "default", start: Start = .now, uniqueKey: String? = nil
) throws -> [NewJob] {
    try (0..<count).map { _ in
        try NewJob(
            kind: Name("noop"), queue: Name(queue), start: start, uniqueKey: uniqueKey,
            payload: Payload(Array("{}".utf8)))
    }
}

/// An event whose jobs go to a queue.
func newEvent(
    _ providerID: String?, jobs count: Int = 1, on queue: String = "default"
) throws -> NewEvent {
    NewEvent(
        source: try Name("s"), providerID: providerID, payload: Payload(Array("{}".utf8)),
        jobs: try newJobs(count, on: queue))
}

extension Queue {
    /// Why jobs are refused; `nil` when they are stored.
    func refusal(of jobs: [NewJob]) async throws(StoreError) -> QueueFull? {
        do throws(StoreError) {
            _ = try await enqueue(jobs)
            return nil
        } catch {
            guard case .full(let refusal) = error else { throw error }
            return refusal
        }
    }

    /// Why an event is refused; `nil` when it is stored.
    func refusal(of event: NewEvent) async throws(StoreError) -> QueueFull? {
        do throws(StoreError) {
            _ = try await accept(event)
            return nil
        } catch {
            guard case .full(let refusal) = error else { throw error }
            return refusal
        }
    }
}

extension PostgresStore {
    /// Sets the limit of a queue.
    func limit(
        _ queue: String = "default", depth: Int? = nil, age: Duration? = nil
    ) async throws {
        try await put(
            limits: [FlowLimit(queue: Name(queue), maxDepth: depth, maxAge: age)],
            isConfiguration: false)
    }
}
