/// Repeats a read until it is as expected, or throws `TestingError.late` when the time is over.
///
/// The one place where a test polls: after 10 ms, then after ever longer pauses, up to 200 ms, for a
/// read may start a program. A condition that throws counts as "not yet", so that it may read from
/// a server that is being restarted; its last error is part of the message.
///
/// - Parameters:
///   - limit: How long to go on; a minute, and longer on a slow machine, if it is not said.
///   - what: What is waited for, as a phrase: "every job is settled".
///   - condition: The read; true ends the wait.
public func eventually(
    within limit: Duration = .seconds(60).onThisMachine, _ what: String,
    _ condition: () async throws -> Bool
) async throws(TestingError) {
    let end = ContinuousClock.now + limit
    var last = ""
    var pause = Duration.milliseconds(10)
    while true {
        do {
            if try await condition() { return }
            last = ""
        } catch {
            last = ": \(error)"
        }
        guard ContinuousClock.now < end else {
            throw .late("not within \(limit): \(what)\(last)")
        }
        do {
            try await Task.sleep(for: pause)
            pause = min(pause * 3 / 2, .milliseconds(200))
        } catch {
            throw .late("cancelled while waiting: \(what)\(last)")
        }
    }
}
