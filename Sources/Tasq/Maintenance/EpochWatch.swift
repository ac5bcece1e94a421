/// Judges by the marks that were replaced which announcements were forgotten, and whether another
/// database rings the same bell.
///
/// A mark of another database may be that of an old file or of a backup: it is taken over, and as
/// nothing is known of what was announced, all is announced again, once. If after ours was written
/// there is a foreign one again, its owner is alive. Both believing by turns that the doorbell
/// forgot, they would announce everything once a second for ever. So while it is shared, foreign
/// marks mean nothing, until none has been seen for a while.
///
/// A copy of a database's files, as of a snapshot that was restored beside it, says of itself what the
/// database says. Its marks bear other numbers, and so do those of whoever held the term before, which
/// are found once, and for some looks of whoever does not know yet that another took it. They are taken
/// for another database's, too, and told of when there are more than that makes.
///
/// Whoever finds a foreign mark leaves the lists as they are. They cannot be told apart, so emptying
/// them would take the other's announcements away, which only sweeps make good; what stands on them
/// twice or of an old file is dropped by the claim.
struct EpochWatch: Sendable {
    /// After so many looks without a foreign mark the doorbell is ours alone again; one that comes
    /// sooner after another is no old file's.
    static let quietLooks = 30
    /// So many marks of others of this database show that it is there twice.
    static let othersTold = 10

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

    /// Where one mark stands.
    private struct Place: Sendable {
        /// Looks since the last foreign mark; `nil` when there was none lately.
        var sinceForeign: Int?
        var isShared = false
        /// Marks of others of this database since the doorbell was ours alone.
        var others = 0
        /// The number that the last mark written here bears.
        var number: UInt32?

        var isInDoubt: Bool { sinceForeign != nil }

        /// Takes one look; whether it shows that something was forgotten.
        mutating func look(at reading: Epoch.Reading) -> Bool {
            switch reading {
            case .confirmed, .forgotten:
                if let looks = sinceForeign {
                    let isQuiet = looks + 1 >= EpochWatch.quietLooks
                    sinceForeign = isQuiet ? nil : looks + 1
                    isShared = isShared && !isQuiet
                    if isQuiet { others = 0 }
                }
                return reading == .forgotten
            case .foreign:
                noteForeign()
                return !isShared
            case .others(let isOlder):
                noteForeign()
                others = min(others + 1, EpochWatch.othersTold)
                return isOlder && !isShared
            }
        }

        private mutating func noteForeign() {
            isShared = isShared || sinceForeign != nil
            sinceForeign = 0
        }
    }

    /// Whether no mark at all could be written last time.
    private var isOut = false
    /// Queues whose mark could not be written last time.
    private var outQueues: Set<Name> = []
    private var whole = Place()
    private var parts: [Name: Place] = [:]
    /// Whether what was found last had been out of order; otherwise it forgot.
    private(set) var endedOutage = false
    /// Whether something is gone of what was found last; otherwise it had merely been out of order.
    private(set) var hasForgotten = false
    /// Whether another database's marks stood lately where something was forgotten: the lists may
    /// be its.
    private(set) var keepsLists = false
    /// Another database that shares the doorbell, as the last look showed it.
    private(set) var sharer: String?
    /// Looks in a row at marks of which none was another database's, up to as many as count.
    private var looksAlone = 0

    /// Whether the doorbell is ours alone, as far as enough looks in a row can tell.
    var isAlone: Bool { looksAlone >= Self.quietLooks }

    /// The doorbell was out of order.
    mutating func noteOutage() {
        isOut = true
        looksAlone = 0
    }

    /// Somebody else looks, or nobody.
    mutating func noteAbsence() {
        looksAlone = 0
    }

    /// What the marks show to be forgotten, or to have been out of order: who could not announce
    /// then has not. `nil`: nothing.
    mutating func look(at marks: EpochMarks, since known: Epoch) -> Forgotten? {
        defer { isOut = false }
        endedOutage = false
        hasForgotten = false
        keepsLists = false
        sharer = nil
        looksAlone = min(looksAlone + 1, Self.quietLooks)
        switch marks {
        case .whole(let mark):
            endedOutage = isOut
            return take(mark, of: nil, isBack: isOut, known) ? .everything : nil
        case .parts(let marks):
            // Where no mark was read, anybody's may stand.
            if marks.isEmpty || marks.values.contains(.unreachable) { looksAlone = 0 }
            let wasOut = isOut ? Set(marks.keys) : outQueues
            var forgotten: Set<Name> = []
            outQueues = []
            parts = parts.filter { marks[$0.key] != nil }
            for (queue, mark) in marks {
                switch mark {
                case .unreachable: outQueues.insert(queue)
                case .replaced(let mark):
                    let isBack = wasOut.contains(queue)
                    if isBack { endedOutage = true }
                    if take(mark, of: queue, isBack: isBack, known) { forgotten.insert(queue) }
                }
            }
            return forgotten.isEmpty ? nil : .queues(forgotten)
        }
    }

    /// Takes the mark of a queue, or that of all; whether what it stands for must be announced
    /// again.
    private mutating func take(
        _ mark: String?, of queue: Name?, isBack: Bool, _ known: Epoch
    ) -> Bool {
        var reading = known.reading(of: mark)
        var place = queue.map { parts[$0, default: Place()] } ?? whole
        // Who has written none here yet finds that of whoever held the term before.
        if case .others(let isOlder) = reading, place.number != known.number {
            reading = isOlder ? .forgotten : .confirmed
        }
        place.number = known.number
        let isGone = place.look(at: reading)
        if isGone { hasForgotten = true }
        let isForgotten = isGone || isBack
        if let queue { parts[queue] = place } else { whole = place }
        switch reading {
        case .confirmed, .forgotten: break
        case .others:
            looksAlone = 0
            if place.others == Self.othersTold { sharer = known.database.name }
        case .foreign(let name):
            looksAlone = 0
            if place.isShared { sharer = name }
        }
        if isForgotten { keepsLists = keepsLists || place.isInDoubt }
        return isForgotten
    }
}
