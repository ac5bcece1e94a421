/// The mark that tells whether the doorbell still remembers.
///
/// It stands in the announcer as `EPOCH:COUNTER`; the counter is advanced once a second and stored
/// with the maintenance term. A mark that is missing, of another epoch or older than what is known
/// means that announcements were forgotten: a flush, an eviction, a failover to a replica that
/// lagged, a restart from an old file. Where one part can forget without the others, each has a
/// mark of its own: see ``EpochMarks``.
struct Epoch: Sendable, Hashable {
    let name: String
    var counter: Int64

    var mark: String { "\(name):\(counter)" }

    /// Whether a mark that was read proves that nothing since `counter` was forgotten.
    func isConfirmed(by mark: String?) -> Bool {
        guard let mark, let colon = mark.lastIndex(of: ":"), mark[..<colon] == name,
            let seen = Int64(mark[mark.index(after: colon)...])
        else { return false }
        return seen >= counter
    }
}
