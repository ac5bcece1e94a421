#if DEBUG
    import FoundationEssentials

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Darwin)
        import Darwin
    #endif
#endif

/// A place where a debug build can be made to die, as in `TASQ_FAILPOINT=after_claim:kill`; in a
/// release build nothing is there. The places lie between the steps whose order makes a crash safe.
package enum FailPoint: String, Sendable {
    /// Ids were taken from their list and not claimed yet.
    case afterTake = "after_take"
    /// A job was claimed, and its handler has not been called.
    case afterClaim = "after_claim"
    /// A slot was given to the job.
    case afterStart = "after_start"
    /// Outcomes are about to be written.
    case beforeCommit = "before_commit"
    /// Outcomes were written, and nobody here knows yet.
    case afterCommit = "after_commit"

    #if DEBUG
        private static let chosen = ProcessInfo.processInfo.environment["TASQ_FAILPOINT"]
    #endif

    /// Kills the process if the environment says so.
    package func reach() {
        #if DEBUG
            if Self.chosen == rawValue + ":kill" { kill(getpid(), SIGKILL) }
        #endif
    }
}
