/// Makes a value once, however many ask for it at the same time.
///
/// If making it fails, whoever waited tries in turn.
actor Once<Value: Sendable> {
    private var value: Value?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func value<Failure: Error>(
        _ make: sending () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        while isBusy {
            await withCheckedContinuation { waiting.append($0) }
        }
        if let value { return value }
        isBusy = true
        defer {
            isBusy = false
            for next in waiting { next.resume() }
            waiting = []
        }
        let made = try await make()
        value = made
        return made
    }
}
