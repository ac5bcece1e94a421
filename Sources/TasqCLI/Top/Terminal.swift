import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The terminal while a command has it to itself: another screen, no cursor, keys as they come.
final class Terminal: Sendable {
    /// What Ctrl-C sends while it raises no signal.
    static let interrupt: UInt8 = 3

    private let before = Mutex<termios?>(nil)

    /// Takes the terminal over. Whoever does must ``leave()``.
    func enter() {
        var settings = termios()
        if unsafe tcgetattr(STDIN_FILENO, &settings) == 0 {
            before.withLock { $0 = settings }
            // Ctrl-C and Ctrl-Z come as keys: neither may leave the terminal as it is now.
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
            _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives it back as it was.
    func leave() {
        write("\u{1B}[?25h\u{1B}[?1049l")
        guard var settings = before.withLock({ $0 }) else { return }
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }

    /// Puts lines in place of what is shown; throws when nobody reads them any more.
    func show(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        try StandardOutput.write(
            "\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Columns and rows; 80 by 24 where nobody knows.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
            size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    private func write(_ text: String) {
        do { try StandardOutput.write(text) } catch {}
    }
}

/// Tells of keys and of changes of the terminal's size, from the moment it is made until it is
/// cancelled.
final class TerminalEvents: Sendable {
    private let resizes: Mutex<any DispatchSourceSignal>
    private let keys: Mutex<any DispatchSourceRead>

    init(onKey: @escaping @Sendable (UInt8) -> Void, onResize: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "tasq.terminal")
        let resizes = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: queue)
        resizes.setEventHandler(handler: onResize)
        resizes.activate()
        self.resizes = Mutex(resizes)
        keys = Mutex(DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue))
        keys.withLock { keys in
            keys.setEventHandler { [weak self] in
                let bytes = FileHandle.standardInput.availableData
                // The end of the input says so for ever.
                if bytes.isEmpty { self?.stopReading() }
                bytes.forEach(onKey)
            }
            if isatty(STDIN_FILENO) != 1 { keys.cancel() }
            keys.activate()
        }
    }

    func cancel() {
        resizes.withLock { $0.cancel() }
        stopReading()
    }

    private func stopReading() {
        keys.withLock { $0.cancel() }
    }
}
