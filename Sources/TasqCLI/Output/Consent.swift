#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A person's word before something is done with all there is.
enum Consent {
    /// Asks at a terminal; throws ``Failure`` unless the answer begins with a y, and where there is
    /// nobody to ask, with the mend.
    static func ask(_ question: String, else refusal: String) throws {
        guard isatty(STDIN_FILENO) == 1, StandardError.isTerminal else {
            throw Failure(.refused, refusal)
        }
        StandardError.write("\(question) [y/N] ")
        let answer = readLine() ?? ""
        guard answer.first?.lowercased() == "y" else { throw Failure(.refused, "nothing is done") }
    }
}
