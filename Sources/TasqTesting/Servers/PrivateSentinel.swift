import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A private Redis Sentinel on a free loopback port: `redis-server --sentinel`.
///
/// It never outlives this process, nor this object.
package final class PrivateSentinel: RedisServer {
    /// The port on 127.0.0.1.
    package let port: Int

    private let place: ServerDirectory
    private let process: ChildProcess

    private init(port: Int, place: ServerDirectory, process: ChildProcess) {
        self.port = port
        self.place = place
        self.process = process
    }

    deinit {
        if process.exit != nil { place.remove() }
    }

    /// Starts a sentinel.
    ///
    /// - Parameters:
    ///   - primary: The server it begins with; it finds the replicas and other sentinels by itself.
    ///   - primaryPort: Where it reaches the primary, if that is another port than the plain one.
    ///   - service: What it calls them.
    ///   - quorum: How many sentinels must agree that the primary is gone.
    ///   - patience: How long the primary may be silent before this one believes so.
    ///   - settings: More lines for its configuration.
    package static func start(
        watching primary: PrivateRedis, at primaryPort: Int? = nil, as service: String,
        quorum: Int = 1, patience: Duration = .milliseconds(500), settings: [String] = []
    ) async throws(TestingError) -> PrivateSentinel {
        let place = try await ServerDirectory.make(at: nil, kind: "sentinel")
        let milliseconds =
            patience.components.seconds * 1000
            + patience.components.attoseconds / 1_000_000_000_000_000
        for _ in 0..<LoopbackPort.tries {
            let port = LoopbackPort.candidate()
            // A sentinel keeps what it learns in its configuration, so it wants a file.
            let file = place.path + "/sentinel.conf"
            let text = """
                port \(port)
                bind 127.0.0.1
                dir \(place.path)
                sentinel monitor \(service) 127.0.0.1 \(primaryPort ?? primary.port) \(quorum)
                sentinel down-after-milliseconds \(service) \(milliseconds)
                sentinel failover-timeout \(service) 4000
                \(settings.joined(separator: "\n"))

                """
            do {
                try text.write(toFile: file, atomically: true, encoding: .utf8)
            } catch {
                throw .failed("cannot write \(file): \(error)")
            }
            let process = try await PrivateRedis.launch(
                [file, "--sentinel"], at: place, until: "+monitor master \(service)")
            if let process {
                return PrivateSentinel(port: port, place: place, process: process)
            }
        }
        place.remove()
        throw .failed("no free port after \(LoopbackPort.tries) tries")
    }

    /// The URL of the sentinel itself.
    package var url: String { "redis://127.0.0.1:\(port)" }

    /// Ends it with SIGKILL and waits for its end.
    package func kill() async {
        process.signal(SIGKILL)
        do { _ = try await process.wait() } catch {}
    }
}
