import NIOCore
import NIOPosix
import TasqTesting
import Testing

@testable import TasqRedis

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct DialerTests {
    @Test func `Child processes do not inherit a connection`() async throws {
        let redis = try await PrivateRedis.start()
        let dialer = Dialer(
            settings: try RedisSettings(url: redis.url),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next())
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
