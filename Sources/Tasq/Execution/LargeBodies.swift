/// Loads the bodies that claims leave out, each right before its job runs.
///
/// A job may wait for its slot behind many others, and all of them with their bodies could be more
/// than there is memory. What is loaded at once stays within a budget; who finds no room in it waits
/// in its slot.
struct LargeBodies: Sendable {
    let reader: any BodyReader
    let memory: ByteBudget

    /// How often a body is asked for while the database does not answer.
    static let tries = 3

    enum Loaded {
        /// With its body; so much of the budget is to be given back behind it.
        case job(ClaimedJob, holding: Int)
        /// Its body is stored no more.
        case missing
        /// The task was cancelled first.
        case cancelled
        case failed(StoreError)
    }

    /// Loads the body of `bytes` bytes that a claim has left out.
    func load(_ job: ClaimedJob, bytes: Int) async -> Loaded {
        // A form is held beside what stands in it, for a moment.
        let room = min(job.payload.formField == nil ? bytes : 2 * bytes, memory.most)
        guard await memory.wait(for: room, upTo: nil) else { return .cancelled }
        var pause = Backoff(from: .milliseconds(100), to: .seconds(1))
        while true {
            do throws(StoreError) {
                guard let body = try await reader.whole(of: job.payloadID, bytes: bytes) else {
                    memory.giveBack(room)
                    return .missing
                }
                return .job(job.with(body: body), holding: room)
            } catch {
                guard error.isTransient, pause.attempts + 1 < Self.tries, !Task.isCancelled else {
                    memory.giveBack(room)
                    return Task.isCancelled ? .cancelled : .failed(error)
                }
                await pause.pause()
            }
        }
    }
}
