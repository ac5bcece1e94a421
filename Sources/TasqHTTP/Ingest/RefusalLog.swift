import Logging
import Synchronization
import Tasq

/// One line for each refused webhook, and no more of them than somebody can read: strangers decide
/// how many there are.
///
/// A line never tells what was sent, only who refused it and why.
final class RefusalLog: Sendable {
    private let logger: Logger
    private let pace = Mutex(RefusalPace())

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// - Parameters:
    ///   - source: Its name, where there is such a source.
    ///   - bytes: The length of the body, as far as it is known.
    func tell(of source: Name?, _ head: RequestHead, _ problem: Problem, bytes: Int?) {
        let now = ContinuousClock.now
        guard let untold = pace.withLock({ $0.admits(source, at: now) }) else { return }
        var line: Logger.Metadata = [
            "request": "\(head.id)", "code": "\(problem.code)", "reason": "\(problem.reason)",
        ]
        if let source { line["source"] = "\(source)" }
        if let bytes { line["bytes"] = "\(bytes)" }
        if untold > 0 { line["untold"] = "\(untold)" }
        // Whoever looks for what is there asks for sources that are not.
        logger.log(
            level: source == nil ? .info : .warning, "a webhook was refused", metadata: line)
    }
}

/// How many refusals of each source are told. What belongs to no source counts together, so a stranger
/// cannot make this grow.
struct RefusalPace {
    typealias Instant = ContinuousClock.Instant

    /// Lines of one source within ``span``; what is beyond is counted.
    static let limit = 10
    static let span = Duration.seconds(60)

    private struct Window {
        var start: Instant
        var told = 0
        var untold = 0
    }

    private var windows: [Name?: Window] = [:]

    /// How many were not told since the last line; `nil` when this one is not told either.
    mutating func admits(_ source: Name?, at now: Instant) -> Int? {
        var window = windows[source] ?? Window(start: now)
        if now - window.start >= Self.span {
            window = Window(start: now, untold: window.untold)
        }
        defer { windows[source] = window }
        guard window.told < Self.limit else {
            window.untold += 1
            return nil
        }
        let untold = window.untold
        window.told += 1
        window.untold = 0
        return untold
    }
}
