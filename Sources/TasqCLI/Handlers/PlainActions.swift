import Logging
import Tasq

/// `log: {}`: a line for each job, never the payload.
struct LogAction: HandlerAction {
    static let name = "log"
    static let summary = "writes a line, never the payload, and succeeds."

    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver) {
        entry.mapping(Self.name)?.finish()
    }

    func handler(at field: String, in set: inout HandlerSet) -> Handler {
        Handler { context in
            // The context's logger carries the job's id, kind, attempt and queue.
            context.logger.info(
                "job", metadata: ["bytes": "\(context.job.payload.body.count)"])
        }
    }
}

/// `noop: {}`: success at once.
struct NoopAction: HandlerAction {
    static let name = "noop"
    static let summary = "succeeds at once."

    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver) {
        entry.mapping(Self.name)?.finish()
    }

    func handler(at field: String, in set: inout HandlerSet) -> Handler {
        Handler { _ in }
    }
}

/// `sleep: 5s`: nothing for a while, then success.
struct SleepAction: HandlerAction {
    static let name = "sleep"
    static let summary = "does nothing for so long, and succeeds."

    let time: Duration

    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver) {
        let time = entry.value(Self.name) { text throws(InvalidInput) in
            try duration(text, in: .zero ... .seconds(86_400))
        }
        guard let time else { return nil }
        self.time = time
    }

    func handler(at field: String, in set: inout HandlerSet) -> Handler {
        Handler { _ in try await Task.sleep(for: time) }
    }
}
