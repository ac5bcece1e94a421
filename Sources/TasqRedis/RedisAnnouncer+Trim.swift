import Logging
import NIOCore
import Synchronization
import Tasq

extension RedisAnnouncer {
    /// Cuts a list that nobody takes from at its new end, in the background; the sweep finds what its
    /// oldest ids are in the way of. Somebody who cuts it already is enough.
    func trim(_ list: String) {
        let isDue = trims.withLock { trims in
            if let until = trims[list], .now < until { return false }
            trims[list] = .now + RedisLimits.trimPause
            return true
        }
        guard isDue else { return }
        let kept = max(1, idsPerList - idsPerList / 16)
        deployment.send(
            [
                KeyedCommand("LLEN", list, on: list),
                KeyedCommand("LTRIM", list, String(-kept), "-1", on: list),
            ], within: RedisLimits.answerTime, .failsFast
        ).whenSuccess { self.noteTrim(of: list, to: kept, $0) }
    }

    private func noteTrim(of list: String, to kept: Int, _ answers: [Answer]) {
        switch answers[1].reply(about: list) {
        case .failure(let fault):
            outages.failed(.trimming, fault, on: list, at: answers[1].node)
        case .success:
            outages.succeeded(.trimming, on: list, at: answers[1].node)
            trims.withLock { $0[list] = nil }
            guard case .success(.integer(let length)) = answers[0].result else { return }
            tally.update { $0.trimmed += max(0, Int(clamping: length) - kept) }
            logger.info("\(place): cut \(list) to its oldest \(kept) ids: nobody takes them")
        }
    }
}
