import Logging
import Synchronization
import Tasq

/// Writes each log event as one line on standard error: time, level, message, `key=value`.
struct LineLog: LogHandler {
    /// The level all loggers of this log share, unless one has been given its own.
    var logLevel: Logger.Level {
        get { own ?? level.current }
        set { own = newValue }
    }
    var metadata: Logger.Metadata = [:]
    private let level: LogLevel
    private var own: Logger.Level?
    private let write: @Sendable (String) -> Void

    init(level: LogLevel, write: @escaping @Sendable (String) -> Void = StandardError.line) {
        self.level = level
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let more = event.metadata { all.merge(more) { $1 } }
        var line =
            "\(Timestamp.now) \(event.level.rawValue) \(Self.oneLine(event.message.description))"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            let text = Self.oneLine(value.description)
            line += " \(key)=" + (text.contains(" ") || text.isEmpty ? "\"\(text)\"" : text)
        }
        write(line)
    }

    /// Bytes of one message or value.
    static let textLimit = 4096

    /// A forged line end in a message must not look like a second event.
    static func oneLine(_ text: String) -> String {
        let cut = text.utf8.count > textLimit ? String(text.prefix(textLimit / 4)) + "…" : text
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
