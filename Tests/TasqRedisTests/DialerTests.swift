import NIOCore
import NIOPosix
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.medium) struct DialerTests {
    @Test func `Child processes do not inherit a connection`() async throws {
        let redis = try await PrivateRedis.start()
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let server = ServerAddress(host: "127.0.0.1", port: redis.port)
        let dialer = Dialer(
            eventLoop: eventLoop, tls: nil, introduction: .init(),
            address: { eventLoop.makeSucceededFuture(server) })
        let connection = try await dialer.dial().get()
        let channel = connection.channel
        let flags = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
                fcntl($0, F_GETFD)
            }
        }.get()
        #expect(flags == FD_CLOEXEC)
        connection.end(.closed)
        #expect(try await connection.ended.get() == .closed)
    }
}
