/// Why a private server, a child process or a wait in a test did not do what was asked.
public enum TestingError: Error, Sendable, Hashable {
    /// A program is not installed; the text names it and the package that has it.
    case missing(_ reason: String)
    /// A server or a program started and failed; the text ends with the last it said.
    case failed(_ reason: String)
    /// What was waited for did not come within its time.
    case late(_ reason: String)
}

extension TestingError: CustomStringConvertible {
    /// One line that names the thing and, where there is one, the mend.
    public var description: String {
        switch self {
        case .missing(let reason), .failed(let reason), .late(let reason): reason
        }
    }
}
