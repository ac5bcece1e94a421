import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGHUP as a sequence, from the moment this is made until it is let go; it no longer ends the
/// process.
///
/// Several that come while one is being dealt with count as one.
final class HangupSignals: Sendable {
    /// For one reader.
    let stream: AsyncStream<Void>
    private let source: Mutex<any DispatchSourceSignal>

    init() {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        #if canImport(Darwin)
            // There the source only watches; the default action must be switched off.
            signal(SIGHUP, SIG_IGN)
        #endif
        let source = DispatchSource.makeSignalSource(
            signal: SIGHUP, queue: DispatchQueue(label: "tasq.hangup"))
        source.setEventHandler { continuation.yield() }
        source.activate()
        self.source = Mutex(source)
    }

    deinit {
        source.withLock { $0.cancel() }
    }
}
