import Logging
import Synchronization
import Tasq

/// Writes each log event as one line on standard error, in the format it was made with.
struct LineLog: LogHandler {
    /// The level all loggers of this log share, unless one has been given its own.
    var logLevel: Logger.Level {
        get { own ?? level.current }
        set { own = newValue }
    }
    var metadata: Logger.Metadata = [:]
    private let level: LogLevel
    private let format: LogFormat
    private var own: Logger.Level?
    private let write: @Sendable (String) -> Void

    init(
        level: LogLevel, format: LogFormat = .text,
        write: @escaping @Sendable (String) -> Void = StandardError.line
    ) {
        self.level = level
        self.format = format
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let more = event.metadata { all.merge(more) { $1 } }
        write(
            format.line(
                time: Timestamp.now.description, level: event.level.rawValue,
                message: event.message.description,
                all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }))
    }

    /// Bytes of one message or value.
    static let textLimit = 4096

    static func bounded(_ text: String) -> String {
        text.utf8.count > textLimit ? String(text.prefix(textLimit / 4)) + "…" : text
    }

    /// A forged line end in a message must not look like a second event.
    static func oneLine(_ text: String) -> String {
        let cut = bounded(text)
        guard cut.unicodeScalars.contains(where: { $0.steersTerminal }) else { return cut }
        return cut.unicodeScalars.reduce(into: "") { line, scalar in
            if scalar.steersTerminal {
                line += " "
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Logger {
    /// Says nothing; for what is told to people in another way.
    static var silent: Logger {
        Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
    }
}
