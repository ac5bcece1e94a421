import FoundationEssentials
import Synchronization
import SystemPackage
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ends the programs of running jobs when this process dies, whatever it dies of.
///
/// A second process of this program, started with the first command, reads a pipe whose other end
/// only this process holds: the process groups of programs as they begin and end. When the kernel
/// closes that end it sends SIGTERM to those that are left, and SIGKILL two seconds later, long
/// before their jobs are taken back and run again. A program that has left its group is not reached,
/// nor one that was started in the very microseconds in which this process died.
final class CommandGuard: Sendable {
    /// The only argument of the second process.
    static let argument = "_guard"

    private struct State {
        var groups: Set<Int32> = []
        var lifeline: FileDescriptor?
        /// Lines that the pipe had no room for.
        var unsent: [String] = []

        /// Writes without waiting, a short line whole or not at all; throws when nobody reads any more.
        mutating func tell(_ line: String) throws {
            unsent.append(line)
            while let lifeline, let next = unsent.first {
                do {
                    try lifeline.writeAll(next.utf8)
                } catch Errno.wouldBlock {
                    return
                }
                unsent.removeFirst()
            }
        }
    }

    private let state = Mutex(State())

    deinit {
        state.withLock { state in
            do { try state.lifeline?.close() } catch {}
        }
    }

    /// A program was started as the leader of this group.
    func enter(_ group: Int32) {
        state.withLock { state in
            state.groups.insert(group)
            do {
                if state.lifeline != nil { return try state.tell("+\(group)\n") }
            } catch {
                // It was killed; another one takes its place.
                do { try state.lifeline?.close() } catch {}
            }
            state.lifeline = Self.start()
            state.unsent = []
            for group in state.groups {
                do { try state.tell("+\(group)\n") } catch {}
            }
        }
    }

    /// The program has ended; what it left behind is its own affair.
    func leave(_ group: Int32) {
        state.withLock { state in
            guard state.groups.remove(group) != nil, state.lifeline != nil else { return }
            do { try state.tell("-\(group)\n") } catch {}
        }
    }

    private static func start() -> FileDescriptor? {
        do {
            let pipe = try Spawn.pipe()
            _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
            let nowhere = FilePath("/dev/null")
            let output = try FileDescriptor.open(nowhere, .writeOnly)
            let error = try FileDescriptor.open(nowhere, .writeOnly)
            let libraries = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
            try Spawn.start(
                "/proc/self/exe", [argument],
                environment: libraries.map { ["LD_LIBRARY_PATH": $0] } ?? [:],
                input: pipe.reading, output: output.rawValue, error: error.rawValue)
            return FileDescriptor(rawValue: pipe.writing)
        } catch {
            return nil
        }
    }
}

extension CommandGuard {
    /// The whole life of the second process.
    static func stand() -> Never {
        // Whoever ends the worker's group or session is not to end this first.
        setsid()
        for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] { signal(number, SIG_IGN) }
        closefrom(3)
        var groups: Set<Int32> = []
        while let line = readLine() {
            guard let group = Int32(line.dropFirst()), group > 1 else { continue }
            if line.hasPrefix("+") { groups.insert(group) } else { groups.remove(group) }
        }
        for group in groups { kill(-group, SIGTERM) }
        let end = ContinuousClock.now + CommandHandler.patience
        while !groups.isEmpty, ContinuousClock.now < end {
            usleep(20_000)
            groups = groups.filter { kill(-$0, 0) == 0 }
        }
        for group in groups { kill(-group, SIGKILL) }
        exit(0)
    }
}
