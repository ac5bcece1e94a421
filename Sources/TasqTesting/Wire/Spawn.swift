import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Starts programs with three streams of the caller's, no other descriptor and no blocked signal.
///
/// By `posix_spawn` itself: Foundation's `Process.run()` was seen to read past the end of its
/// memory, and swift-subprocess needs the task pool that waiting tests may have filled.
package enum Spawn {
    /// Held while a descriptor exists that is not yet closed on exec, and while a child starts.
    private static let lock = Mutex(())

    /// Starts a program; a thread waits for its end, so that it does not stay as a zombie. The
    /// three descriptors are closed here whatever happens.
    package static func start(
        _ path: String, _ arguments: [String], environment: [String: String],
        input: Int32, output: Int32, error: Int32
    ) throws(TestingError) {
        defer { for descriptor in [input, output, error] { close(descriptor) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
        // Swift's pool threads block most signals, and a child begins with its parent's mask.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            unsafe words.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var pid: pid_t = 0
        let status = lock.withLock { _ in
            unsafe posix_spawn(&pid, path, &actions, &attributes, &words, &variables)
        }
        guard status == 0 else {
            throw .failed("cannot start \(path): error \(status)")
        }
        let child = pid
        Thread.detachNewThread {
            var status: Int32 = 0
            while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        }
    }

    /// A pipe that no other child inherits: the end to read from and the end to write to.
    package static func pipe() throws(TestingError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        let status = lock.withLock { _ in
            let status = unsafe Glibc.pipe(&ends)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return status
        }
        guard status == 0 else { throw .failed("cannot make a pipe: error \(errno)") }
        return (ends[0], ends[1])
    }

    /// Reads a pipe to its end on a thread of its own, tells what comes, then nothing as the end,
    /// and closes it.
    ///
    /// Not by `FileHandle.readabilityHandler`: a handle that goes away closes its descriptor while
    /// Dispatch still watches it, which was seen to end the process.
    static func read(_ end: Int32, _ tell: @escaping @Sendable (ArraySlice<UInt8>) -> Void) {
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = unsafe Glibc.read(end, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                tell(buffer[..<count])
            }
            tell([])
            close(end)
        }
    }
}
