import DequeModule
import Dispatch
import Synchronization

/// Runs an actor's jobs one after the other on a thread of its own.
///
/// The thread starts with the first job, and keeps the executor alive for as long as it runs: an
/// executor that is gone before its thread crashes the process at shutdown. After ``stop()`` the
/// thread ends as soon as no job is left; a job that comes later still runs, on a new thread that
/// ends right after it, so a late caller gets an answer rather than waiting for ever.
final class ThreadExecutor: SerialExecutor {
    private struct State {
        var jobs: Deque<UnownedJob> = []
        var hasThread = false
        var isStopped = false
    }

    private enum Step {
        case run(UnownedJob)
        case wait
        case end
    }

    private let name: String
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)

    init(name: String) {
        self.name = name
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            defer { state.hasThread = true }
            return !state.hasThread
        }
        if needsThread {
            WireThread.start(named: name) { self.run() }
        } else {
            work.signal()
        }
    }

    /// Ends the thread once it has run what was enqueued.
    func stop() {
        state.withLock { $0.isStopped = true }
        work.signal()
    }

    private func run() {
        while true {
            let step: Step = state.withLock { state in
                if let job = state.jobs.popFirst() { return .run(job) }
                guard state.isStopped else { return .wait }
                state.hasThread = false
                return .end
            }
            switch step {
            case .run(let job): unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            case .wait: work.wait()
            case .end: return
            }
        }
    }
}

extension Session {
    /// The session keeps the executor alive, and so does the executor's thread.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }
}
