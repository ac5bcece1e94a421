extension Result where Success: Sendable {
    /// What an asynchronous call comes to, for calls that are made side by side: `async let` forgets the
    /// type of an error.
    package init(of call: () async throws(Failure) -> Success) async {
        do throws(Failure) {
            self = .success(try await call())
        } catch {
            self = .failure(error)
        }
    }
}
