import Dispatch

/// One line of an execution log: what happened, when by the clock that all processes of this
/// machine share, and to what.
struct Event: Sendable {
    /// What happened. The checkers' SQL goes by these words.
    enum Kind: String, Sendable {
        /// A job is asked for; it was acknowledged, certainly not stored, or nobody knows.
        case asked, acknowledged, refused, unanswered
        /// A handler begins and ends; a process finds that a claim of its own was taken away.
        case start, end, lost
        /// An operator calls a job off: asked, done, refused because it had ended.
        case cancelAsked = "cancel.asked"
        case cancelled = "cancel.done"
        case cancelLate = "cancel.late"
        /// A job that was acknowledged is read: there, or not.
        case found, missing
        /// A process starts, is sent a signal, ends.
        case born, signalled, exit
        /// A fault begins and ends; everything between them may be disturbed.
        case faultStart = "fault.start"
        case faultStop = "fault.stop"
        /// From here to there what is acknowledged may be lost: a standby takes over that lags.
        case lagging = "standby.lagging"
        case promoted = "standby.promoted"
        /// The same end, where the old primary went on taking writes until it was kept from it.
        case fenced = "primary.fenced"
        /// The phases of a run: load, heal, drain, end.
        case phase
        /// What a look at the servers and the processes found.
        case sample
    }

    var kind: Kind
    var token: String?
    var job: String?
    var claim: String?
    var attempt: Int?
    /// The queue, or the name of a fault or phase.
    var name: String?
    /// How it ended.
    var outcome: String?
    /// The process it is about, where that is another than the writer.
    var pid: Int32?
    /// Jobs that were asked for together.
    var batch: String?
    var milliseconds: Double?
    /// Named numbers of a sample.
    var numbers: KeyValuePairs<String, Int64> = [:]

    /// Monotonic nanoseconds, the same in every process of this machine.
    static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// The line, without its end.
    func line(at time: UInt64, by process: String, pid own: Int32) -> String {
        var line =
            "{\"t\":\(time),\"p\":\"\(process)\",\"pid\":\(pid ?? own),\"e\":\"\(kind.rawValue)\""
        func add(_ name: String, _ text: String?) {
            guard let text else { return }
            line += ",\"\(name)\":\"\(Self.plain(text))\""
        }
        add("tok", token)
        add("job", job)
        add("claim", claim)
        add("name", name)
        add("out", outcome)
        add("batch", batch)
        if let attempt { line += ",\"att\":\(attempt)" }
        if let milliseconds { line += ",\"ms\":\(milliseconds)" }
        for (name, number) in numbers { line += ",\"\(name)\":\(number)" }
        return line + "}"
    }

    /// The longest text of one member: a line must fit into one write.
    private static let textLimit = 400

    /// Without what would have to be escaped.
    private static func plain(_ text: String) -> String {
        var plain = ""
        for scalar in text.unicodeScalars.prefix(textLimit) {
            let isPlain = scalar.value >= 32 && scalar.value < 127
            plain.unicodeScalars.append(
                isPlain && scalar != "\"" && scalar != "\\" ? scalar : "?")
        }
        return plain
    }
}
