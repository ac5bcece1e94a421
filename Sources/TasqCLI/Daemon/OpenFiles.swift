import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The limit on file descriptors of this process: every connection costs one.
enum OpenFiles {
    /// What is asked for where the hard limit is higher or there is none.
    static let wanted: rlim_t = 1_048_576

    /// Raises the soft limit to the hard one, up to ``wanted``, and says so. A limit that cannot be
    /// raised is no reason not to work: listeners pause accepting when descriptors run out.
    static func raiseLimit(_ logger: Logger) {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        let old = limit.rlim_cur
        let new = min(limit.rlim_max, wanted)
        guard new > old else { return }
        limit.rlim_cur = new
        if unsafe setrlimit(resource, &limit) == 0 {
            logger.info(
                "raised the limit on open files", metadata: ["from": "\(old)", "to": "\(new)"])
        } else {
            logger.warning(
                "cannot raise the limit on open files", metadata: ["limit": "\(old)"])
        }
    }
}
