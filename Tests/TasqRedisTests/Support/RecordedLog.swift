import Logging
import Synchronization

/// A log that keeps its lines, so that a test can count what was told and look for secrets.
final class RecordedLog: Sendable {
    struct Line: Sendable, Hashable {
        let level: Logger.Level
        let text: String
    }

    private let kept = Mutex<[Line]>([])

    var lines: [Line] { kept.withLock { $0 } }

    func lines(at level: Logger.Level, containing text: String = "") -> [String] {
        lines.filter { $0.level == level }.map(\.text).filter { text.isEmpty || $0.contains(text) }
    }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(log: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.kept.withLock { lines in
                lines.append(Line(level: event.level, text: "\(event.message)"))
            }
        }
    }
}
