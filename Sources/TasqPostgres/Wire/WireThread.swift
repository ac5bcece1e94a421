import Glibc

/// Starts threads of their own for work that blocks; libpq never blocks a shared one.
enum WireThread {
    /// Runs `body` on a new thread that ends with it. The thread keeps whatever `body` captured
    /// until then. `name` says whose it is should the system give no thread.
    ///
    /// A computer that can give no thread runs nothing at all, so a failure ends the process.
    static func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(ThreadStart(body))
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                start.body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            unsafe start.release()
            fatalError("the system gives no thread to \(name) (error \(failure))")
        }
        pthread_detach(thread)
    }
}

/// What a new thread is to do; it travels through C as one pointer.
private final class ThreadStart {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
