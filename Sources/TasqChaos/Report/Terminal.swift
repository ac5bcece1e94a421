import FoundationEssentials
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the program says: results on standard output, everything else on standard error.
enum Terminal {
    /// A result, on standard output, at once even where that is a file.
    static func result(_ text: String) {
        _ = try? FileDescriptor.standardOutput.writeAll((text + "\n").utf8)
    }

    /// A line of its own.
    static func note(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
    }

    /// What is being done; nothing where nobody watches.
    static func phase(_ text: String) {
        if isatty(2) == 1 { note(text) }
    }
}
