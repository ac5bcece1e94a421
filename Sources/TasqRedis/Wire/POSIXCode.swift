#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The error numbers that are told apart.
enum POSIXCode {
    static let connectionRefused = ECONNREFUSED
}
