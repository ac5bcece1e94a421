/// Judges by the marks that were replaced which announcements were forgotten.
struct EpochWatch: Sendable {
    /// What has to be announced again.
    enum Forgotten: Sendable, Hashable {
        case everything
        case queues(Set<Name>)

        /// What both say.
        func joined(with other: Forgotten?) -> Forgotten {
            guard case .queues(let mine) = self, case .queues(let theirs)? = other ?? .queues([])
            else { return .everything }
            return .queues(mine.union(theirs))
        }
    }

    /// Whether no mark at all could be written last time.
    private var isOut = false
    /// Queues whose mark could not be written last time.
    private var outQueues: Set<Name> = []
    /// Whether what was found last had been out of order; otherwise it forgot.
    private(set) var endedOutage = false

    /// The doorbell was out of order.
    mutating func noteOutage() {
        isOut = true
    }

    /// What the marks show to be forgotten, or to have been out of order: who could not announce
    /// then has not. `nil`: nothing.
    mutating func look(at marks: EpochMarks, since known: Epoch) -> Forgotten? {
        defer { isOut = false }
        switch marks {
        case .whole(let mark):
            endedOutage = isOut
            return known.isConfirmed(by: mark) && !isOut ? nil : .everything
        case .parts(let marks):
            let wasOut = isOut ? Set(marks.keys) : outQueues
            var forgotten: Set<Name> = []
            outQueues = []
            endedOutage = false
            for (queue, mark) in marks {
                switch mark {
                case .unreachable: outQueues.insert(queue)
                case .replaced(let mark):
                    let isBack = wasOut.contains(queue)
                    if isBack { endedOutage = true }
                    if isBack || !known.isConfirmed(by: mark) { forgotten.insert(queue) }
                }
            }
            return forgotten.isEmpty ? nil : .queues(forgotten)
        }
    }
}
