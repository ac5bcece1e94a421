import Foundation
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard output as the commands use it: whole lines, written at once.
struct StandardOutput: Sendable {
    /// Whether people read along: colour and progress are for terminals only.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes text. Throws ``ReaderGone`` when nobody reads it any more, as in `tasq … | head`,
    /// and ``Failure`` when it cannot be written, as on a full disk: half an answer that looks
    /// whole would be taken for one.
    static func write(_ text: String) throws {
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch Errno.brokenPipe {
            throw ReaderGone()
        } catch let error as Errno {
            throw Failure(.internal, "standard output cannot be written: \(error)")
        }
    }

    /// Writes a line.
    static func line(_ text: String) throws { try write(text + "\n") }
}

/// What stands in for standard streams that somebody closed.
enum ClosedStreams {
    /// Opens `/dev/null` in their places. Otherwise the next file or connection to be opened would
    /// take their numbers, and what is printed or logged would be written into it.
    static func fill() {
        while true {
            do {
                let file = try FileDescriptor.open(FilePath("/dev/null"), .readWrite)
                guard file.rawValue <= STDERR_FILENO else { return try file.close() }
            } catch {
                return
            }
        }
    }
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
