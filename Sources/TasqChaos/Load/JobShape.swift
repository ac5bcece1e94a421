import FoundationEssentials

/// What one job of the load does, and how it is asked for.
struct JobShape: Sendable {
    /// What the handler does. Also the job's kind, so that the checkers can tell them apart.
    enum Deed: String, Sendable, Codable {
        /// Takes its time; may fail a number of times first.
        case run
        /// Fails every attempt, so that the job ends in `error`.
        case fail
        /// Fails once, with a text that no column takes as it is.
        case hostile
        /// Kills its own process, in one of several ways.
        case pill
        /// Takes memory until the process may have no more.
        case leak
        /// Put in by a schedule; takes a moment.
        case tick
        /// Never returns: it sleeps, or burns a core, and hears no cancellation.
        case hang, spin
    }

    var deed = Deed.run
    /// Chosen here, so that the job can be told from any other whatever ids the store gives.
    var token: String
    var milliseconds = 0
    /// Attempts that fail before one succeeds.
    var failures = 0
    var priority = 1
    var queue = "default"
    var delayMilliseconds = 0
    var uniqueKey: String?
    var maxAttempts = 20
    /// Called off some time after it was acknowledged.
    var isCancelled = false
    /// Read back right after it was acknowledged.
    var isRead = false

    /// What the handler gets.
    struct Body: Sendable, Codable {
        var tok: String
        var ms: Int
        var failures: Int
    }

    /// The job as `POST /v1/jobs` takes it.
    var request: String {
        var members = [
            "\"kind\":\"\(deed.rawValue)\"",
            "\"payload\":{\"tok\":\"\(token)\",\"ms\":\(milliseconds),\"failures\":\(failures)}",
            "\"key\":\"\(token)\"", "\"queue\":\"\(queue)\"", "\"priority\":\(priority)",
            "\"max_attempts\":\(maxAttempts)",
        ]
        if delayMilliseconds > 0 { members.append("\"delay\":\"\(delayMilliseconds)ms\"") }
        if let uniqueKey { members.append("\"unique_key\":\"\(uniqueKey)\"") }
        return "{" + members.joined(separator: ",") + "}"
    }
}

extension JobShape {
    /// The usual mixture: most take 5 to 20 ms, some 200 ms, a few longer than a lease.
    ///
    /// - Parameter lease: how long a worker may be silent.
    static func drawn(
        number: Int, lease: Duration, from random: inout SeededGenerator
    ) -> JobShape {
        var shape = JobShape(token: token(from: &random))
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<3: shape.milliseconds = Int(lease / .milliseconds(1)) + 1000
        case 3..<90: shape.milliseconds = 200
        default: shape.milliseconds = Int.random(in: 5...20, using: &random)
        }
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<50: shape.failures = 1
        case 50..<60: (shape.deed, shape.maxAttempts) = (.fail, 3)
        case 60..<65: shape.deed = .hostile
        case 65..<75: shape.uniqueKey = "u\(number / 200 * 10 + number % 10)"
        case 75..<85:
            // Half of them while they wait, for most others have run by then.
            shape.isCancelled = true
            if Bool.random(using: &random) { shape.delayMilliseconds = 1000 }
        case 85..<95: shape.isRead = true
        case 95..<125: shape.delayMilliseconds = Int.random(in: 100...2000, using: &random)
        default: break
        }
        if Int.random(in: 0..<10, using: &random) == 0 {
            shape.priority = Int.random(in: 0...3, using: &random)
        }
        if Int.random(in: 0..<10, using: &random) == 0 { shape.queue = "second" }
        return shape
    }

    /// A UUID from the seed.
    static func token(from random: inout SeededGenerator) -> String {
        let high = random.next()
        let low = random.next()
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
        }
        return hex(high >> 32, 8) + "-" + hex(high >> 16 & 0xffff, 4) + "-"
            + hex(high & 0xffff, 4) + "-" + hex(low >> 48, 4) + "-"
            + hex(low & 0xffff_ffff_ffff, 12)
    }
}
