import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps a socket from being inherited by child processes, which NIO leaves open to them.
///
/// A child that outlives its worker would hold the connection of a blocking take open, and Redis
/// would go on handing it ids that nobody reads.
func closeOnExec(_ channel: any Channel) throws {
    try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
        of: CInt.self
    ) { descriptor in
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
}
