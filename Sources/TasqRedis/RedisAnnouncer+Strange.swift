import Logging
import NIOCore
import Synchronization
import Tasq

/// Lists at whose keys something stands that is not tasq's.
///
/// A take over several lists fails if one of them is of another type and none before it has an id.
/// Such a list is left out of takes until a look every two seconds finds it mended; the others are
/// taken from as ever, and its jobs are left to sweeps.
extension RedisAnnouncer {
    /// Those of the lists that takes may ask for.
    func usable(among lists: [String]) async -> [String] {
        let due = strange.withLock { strange in
            lists.filter { list in strange[list].map { $0 <= .now } ?? false }
        }
        if !due.isEmpty { _ = await findStrange(among: due) }
        return strange.withLock { strange in
            strange.isEmpty ? lists : lists.filter { strange[$0] == nil }
        }
    }

    /// Whether takes leave out any of the lists.
    func hasStrange(among lists: [String]) -> Bool {
        strange.withLock { strange in
            !strange.isEmpty && lists.contains { strange[$0] != nil }
        }
    }

    /// Asks what stands at the keys of these lists; whether any holds something else.
    func findStrange(among lists: [String]) async -> Bool {
        let sent = await deployment.send(
            lists.map { KeyedCommand("LLEN", $0, on: $0) }, within: RedisLimits.answerTime
        ).settled()
        guard case .success(let answers) = sent else { return false }
        return noteStrange(among: lists, answers)
    }

    /// Tells of those lists that have changed, by what their lengths were asked; whether any holds
    /// something else.
    func noteStrange(among lists: [String], _ answers: [Answer]) -> Bool {
        var isAny = false
        for (list, answer) in zip(lists, answers) {
            switch answer.reply(about: list) {
            case .failure(let fault) where fault.isOfOneList:
                guard let isNews = leaveOut(list) else { continue }
                isAny = true
                if isNews { logger.warning("\(place): \(fault.text); takes leave it out") }
            case .failure: break
            case .success:
                let wasOut = strange.withLock { $0.removeValue(forKey: list) } != nil
                if wasOut { logger.info("\(place): \(list) is taken from again") }
            }
        }
        return isAny
    }

    /// Whether it was not left out before; `nil` when too many are.
    private func leaveOut(_ list: String) -> Bool? {
        strange.withLock { strange in
            guard strange[list] != nil || strange.count < RedisLimits.strangeLists else {
                return nil
            }
            return strange.updateValue(.now + RedisLimits.strangeTime, forKey: list) == nil
        }
    }
}

extension RedisFault {
    /// All lists of a take are left out.
    static let strange = RedisFault(
        .server("WRONGTYPE"), "the keys of all lists hold something that is not tasq's")
}
