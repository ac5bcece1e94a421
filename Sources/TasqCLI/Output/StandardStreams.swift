import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard output as the commands use it: whole lines, written at once.
struct StandardOutput: Sendable {
    /// Whether people read along: colour and progress are for terminals only.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes text; throws ``ReaderGone`` when nobody reads it any more, as in `tasq … | head`.
    static func write(_ text: String) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            throw ReaderGone()
        }
    }

    /// Writes a line.
    static func line(_ text: String) throws { try write(text + "\n") }
}

/// Whoever read standard output has stopped; the program ends quietly.
struct ReaderGone: Error {}

/// Standard error: one line each, written in one piece; a reader that is gone is no error.
struct StandardError: Sendable {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func line(_ text: String) { write(text + "\n") }

    static func write(_ text: String) {
        do { try FileHandle.standardError.write(contentsOf: Data(text.utf8)) } catch {}
    }
}
