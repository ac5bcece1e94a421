/// A Redis that tests may do everything with: a private one, or one named by its URL.
public protocol RedisServer: Sendable {
    /// The connection URL, `redis://…`.
    var url: String { get }
}

extension RedisServer {
    /// Runs one command through `redis-cli` and returns the reply, an array one element a line.
    ///
    /// Throws with the reply if it is an error. For tests and for looking at keys, not for speed.
    @discardableResult
    public func command(_ words: [String]) async throws(TestingError) -> String {
        let program = try ProgramSearch.path(of: "redis-cli", package: "redis-tools", in: [])
        return try await ChildProcess.run(
            [program, "--no-auth-warning", "-e", "-u", url] + words,
            within: .seconds(30).onThisMachine)
    }

    /// Runs one command, as `command(_:)` with an array.
    @discardableResult
    public func command(_ words: String...) async throws(TestingError) -> String {
        try await command(words)
    }
}
