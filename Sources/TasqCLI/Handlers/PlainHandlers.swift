import Logging
import Tasq

/// The handlers that need nothing but the job.
enum PlainHandlers {
    /// Succeeds at once.
    @Sendable static func noop(_ context: JobContext) async throws {}

    /// Writes one line; never the payload.
    @Sendable static func log(_ context: JobContext) async throws {
        // The context's logger carries the job's id, kind, attempt and queue.
        context.logger.info(
            "job", metadata: ["bytes": "\(context.job.payload.body.count)"])
    }

    /// Does nothing for a while.
    static func sleep(_ duration: Duration) -> @Sendable (JobContext) async throws -> Void {
        { _ in try await Task.sleep(for: duration) }
    }
}
