import Glibc
import Synchronization

/// Wakes one thread out of a wait, from any other thread and for good.
///
/// A pair of sockets, because a thread that waits for one can wait for another as well. Where
/// the process has no descriptor left, the waiting thread looks at the flag ten times a second.
final class Interrupt: Sendable {
    private let reading: Int32
    private let writing: Int32
    private let flag = Atomic(false)

    init() {
        var ends: [Int32] = [-1, -1]
        // Closed in child processes from the first moment on.
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let isPair = unsafe socketpair(AF_UNIX, Int32(type), 0, &ends) == 0
        (reading, writing) = isPair ? (ends[0], ends[1]) : (-1, -1)
    }

    deinit {
        guard reading >= 0 else { return }
        close(reading)
        close(writing)
    }

    /// Whether ``signal()`` was called.
    var isSignalled: Bool { flag.load(ordering: .acquiring) }

    /// Ends the wait that is on, and every later one at once.
    func signal() {
        flag.store(true, ordering: .releasing)
        var byte: UInt8 = 1
        _ = unsafe write(writing, &byte, 1)
    }

    /// Waits for ``signal()``, at most until `deadline`; says whether it came.
    func wait(until deadline: ContinuousClock.Instant) -> Bool {
        Readiness.wait(socket: nil, for: [], until: deadline, interrupt: self) == .interrupted
    }

    fileprivate var descriptor: Int32 { reading }
}

/// What a wait for a socket ended with.
enum Readiness {
    case ready(canRead: Bool)
    case timedOut
    case interrupted

    struct Direction: OptionSet {
        let rawValue: Int16
        static let read = Direction(rawValue: Int16(POLLIN))
        static let write = Direction(rawValue: Int16(POLLOUT))
    }

    /// Blocks this thread until the socket is ready, in error, or the wait is cut short. Without
    /// a deadline it waits for ever; without a socket it only sleeps.
    static func wait(
        socket: Int32?, for direction: Direction, until deadline: ContinuousClock.Instant?,
        interrupt: Interrupt?
    ) -> Readiness {
        // libpq has closed it and will say why when asked.
        if let socket, socket < 0 { return .ready(canRead: true) }
        // poll(2) ignores negative descriptors.
        var polled = [
            pollfd(fd: socket ?? -1, events: direction.rawValue, revents: 0),
            pollfd(fd: interrupt?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            if let interrupt, interrupt.isSignalled { return .interrupted }
            var timeout = deadline.map { millisecondsLeft(until: $0) } ?? -1
            if let interrupt, interrupt.descriptor < 0 {
                timeout = timeout < 0 ? 100 : min(timeout, 100)
            }
            let count = unsafe poll(&polled, nfds_t(polled.count), timeout)
            if count > 0 {
                if polled[1].revents != 0 { return .interrupted }
                // An error or a hang-up shows itself to the read that follows.
                return .ready(canRead: polled[0].revents & ~Int16(POLLOUT) != 0)
            }
            if count == 0, let deadline, ContinuousClock.now >= deadline { return .timedOut }
            if count < 0 && errno != EINTR { return .ready(canRead: true) }
        }
    }

    /// At least one, so that a wait of less does not spin; poll takes a 32-bit number.
    private static func millisecondsLeft(until deadline: ContinuousClock.Instant) -> Int32 {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}

extension Readiness: Equatable {}
