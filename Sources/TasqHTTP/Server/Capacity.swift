import Synchronization
import Tasq

/// What a listener has on its hands now, against its limits.
final class Capacity: Sendable {
    private struct State {
        var inFlight = 0
        var isStopping = false
    }

    private let limits: HTTPLimits
    private let state = Mutex(State())
    /// Room for bodies and answers.
    let memory: ByteBudget

    init(limits: HTTPLimits) {
        self.limits = limits
        memory = ByteBudget(limits.bufferedBytes)
    }

    /// Whether the listener is shutting down and takes no new requests.
    var isStopping: Bool { state.withLock(\.isStopping) }

    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Takes a place for one request; `false` when all are taken.
    func enter() -> Bool {
        state.withLock { state in
            guard state.inFlight < limits.inFlight else { return false }
            state.inFlight += 1
            return true
        }
    }

    func leave() {
        state.withLock { $0.inFlight -= 1 }
    }
}

/// How large one request's body may be, and what it holds while it is worked on.
struct BodyAllowance: Sendable {
    /// Bytes of the body; more are refused with 413.
    let bytes: Int
    /// What a body of so many bytes holds until its request is answered.
    var held: @Sendable (_ bytes: Int) -> Int = { $0 }
}

/// The room one request holds in a listener's memory; given back when it goes out of scope.
struct BufferRoom: ~Copyable {
    private let memory: ByteBudget
    private var portions: [Int] = []
    private var bytes = 0
    /// How much longer it may wait, all its waits together.
    private var patience = HTTPLimits.roomPatience

    init(_ memory: ByteBudget) {
        self.memory = memory
    }

    /// Grows to what `total` bytes need beyond those that are free to everybody; `false` when there
    /// is no room for that now.
    mutating func hold(_ total: Int) -> Bool {
        let more = total - HTTPLimits.freeBodyBytes - bytes
        guard more > 0 else { return true }
        guard memory.take(more) else { return false }
        note(more)
        return true
    }

    /// Like ``hold(_:)``, but waits for room as long as one request may.
    mutating func waitToHold(_ total: Int) async -> Bool {
        let more = total - HTTPLimits.freeBodyBytes - bytes
        guard more > 0 else { return true }
        let start = ContinuousClock.now
        guard await memory.wait(for: more, upTo: patience) else { return false }
        patience = max(.zero, patience - (.now - start))
        note(more)
        return true
    }

    private mutating func note(_ more: Int) {
        bytes += more
        // As many small ones as are little together are one.
        if let last = portions.last, last + more <= ByteBudget.little {
            portions[portions.count - 1] = last + more
        } else {
            portions.append(more)
        }
    }

    /// Gives everything back.
    mutating func empty() {
        for portion in portions { memory.giveBack(portion) }
        portions = []
        bytes = 0
    }

    deinit {
        for portion in portions { memory.giveBack(portion) }
    }
}
