import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGTERM and SIGINT as a sequence, from the moment this is made until it is let go.
final class TerminationSignals: Sendable {
    /// The signals in the order they came; for one reader.
    let stream: AsyncStream<Int32>
    private let log: Log
    private let sources: Mutex<[any DispatchSourceSignal]>

    /// One signal more than `patience` ends the process at once with `128 + signal`.
    init(patience: Int) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Int32.self, bufferingPolicy: .bufferingNewest(8))
        let log = Log()
        self.log = log
        let note: @Sendable (Int32) -> Void = { number in
            let count = log.numbers.withLock { numbers in
                numbers.append(number)
                return numbers.count
            }
            if count > patience { _exit(128 + number) }
            continuation.yield(number)
        }
        self.stream = stream
        let queue = DispatchQueue(label: "tasq.signals")
        let sources = [SIGTERM, SIGINT].map { number in
            #if canImport(Darwin)
                // There the source only watches; the default action must be switched off.
                signal(number, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { note(number) }
            source.activate()
            return source
        }
        self.sources = Mutex(sources)
    }

    /// Every signal so far.
    var received: [Int32] { log.numbers.withLock { $0 } }

    private final class Log: Sendable {
        let numbers = Mutex<[Int32]>([])
    }

    deinit {
        sources.withLock { for source in $0 { source.cancel() } }
    }
}
