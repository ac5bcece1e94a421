import Synchronization

/// A kind on a queue of which something has failed.
struct FailedKind: Sendable, Hashable {
    let queue: Name
    let kind: Name
}

/// The kinds that have samples of their own for what has failed of them.
///
/// Each keeps them for as long as anything of it has failed, however many others fail more. With
/// the most numerous of the moment, kinds that take turns would make a series each, one day all of
/// them, and a failure that moves between its own series and the others' would look like a new one.
final class ToldFailures: Sendable {
    private let told = Mutex<Set<FailedKind>>([])

    /// The kinds that have samples of their own. Of these, the first take the places that are free;
    /// when those are too few, kinds that are not among these are forgotten.
    func places(among kinds: [FailedKind]) -> Set<FailedKind> {
        told.withLock { told in
            let fresh = kinds.filter { !told.contains($0) }
            if told.count + fresh.count > LabelLimit.texts { told.formIntersection(kinds) }
            told.formUnion(fresh.prefix(LabelLimit.texts - told.count))
            return told
        }
    }
}
