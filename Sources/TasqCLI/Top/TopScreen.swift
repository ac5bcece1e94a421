import Dispatch
import Synchronization
import Tasq

/// `tasq top` on a terminal: looks and draws every second until a key or a signal ends it.
final class TopScreen: Sendable {
    private struct State {
        var reading: TopReading?
        var trouble: String?
        var isBroken: (any Error)?
        /// When the look under way began.
        var lookingSince: ContinuousClock.Instant?
    }

    /// What happens beside the looks.
    private enum Event {
        case tick, quit
    }

    /// From when on a look that is not answered is trouble.
    private static let patience = Duration.seconds(2)
    /// A look that took this long makes the next ones rarer: they take a fifth of the time at most.
    private static let share = 4

    private let source: TopSource
    private let isStyled: Bool
    private let state = Mutex(State())

    init(_ source: TopSource, isStyled: Bool) {
        self.source = source
        self.isStyled = isStyled
    }

    /// Returns when it was ended. Throws what the first look met unless it may pass.
    func run() async throws {
        let terminal = Terminal()
        let signals = TerminationSignals(patience: 1)
        let (events, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingNewest(16))
        terminal.enter()
        defer { terminal.leave() }
        let keys = TerminalEvents(
            onKey: { key in
                if key == UInt8(ascii: "q") || key == Terminal.interrupt {
                    continuation.yield(.quit)
                }
            }, onResize: { continuation.yield(.tick) })
        defer { keys.cancel() }
        // Not a child of this task: a look that hangs must not keep a reader who quits.
        let looking = Task { await self.look { continuation.yield(.tick) } }
        defer { looking.cancel() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals.stream { continuation.yield(.quit) }
            }
            group.addTask {
                while await sleep(for: TopCommand.interval) { continuation.yield(.tick) }
            }
            defer { group.cancelAll() }
            for await event in events {
                guard case .tick = event else { return }
                if let broken = state.withLock({ $0.isBroken }) { throw broken }
                try draw(on: terminal)
            }
        }
    }

    private func look(_ onNews: @Sendable () -> Void) async {
        var isFirst = true
        while !Task.isCancelled {
            let start = ContinuousClock.now
            state.withLock { $0.lookingSince = start }
            do throws(StoreError) {
                let reading = try await source.look()
                state.withLock { ($0.reading, $0.trouble, $0.lookingSince) = (reading, nil, nil) }
            } catch {
                state.withLock { state in
                    state.lookingSince = nil
                    state.trouble = error.description
                    // What only a person can mend is said once and not tried again and again.
                    if isFirst, !error.isTransient { state.isBroken = error }
                }
            }
            isFirst = false
            onNews()
            let took = ContinuousClock.now - start
            await sleep(for: max(TopCommand.interval - took, took * Self.share))
        }
    }

    private func draw(on terminal: Terminal) throws {
        let state = state.withLock { $0 }
        var frame = TopFrame(reading: state.reading, place: source.place, footer: "q quits")
        frame.trouble = state.trouble
        if let since = state.lookingSince, case let wait = ContinuousClock.now - since,
            wait > Self.patience
        {
            frame.trouble = "postgres has not answered for \(wait.rough)"
        }
        let size = Terminal.size
        try terminal.show(
            frame.text(width: size.columns, height: size.rows - 1, isStyled: isStyled))
    }
}
