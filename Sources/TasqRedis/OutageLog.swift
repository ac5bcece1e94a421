import Logging
import Synchronization

/// Tells the log about faults once an outage, and when one is over.
final class OutageLog: Sendable {
    /// What was being done, for the text.
    enum Activity: String, Sendable {
        case announcing, taking, marking, clearing, counting, trimming
    }

    /// A server that is gone concerns everything; another fault of a connection what is done over it,
    /// and one of a command only its keys.
    private struct Topic: Hashable {
        var node: String
        var activity: Activity?
        var isTake: Bool
        var subject: String
        /// `nil` when the server is gone: a connection was lost or does not come to stand, however that
        /// shows.
        var kind: RedisFault.Kind?
    }

    private struct Outage {
        var isOpen = true
        /// Whether this time a warning said so.
        var isTold = true
        var warnedAt: ContinuousClock.Instant
    }

    private struct State {
        var outages: [Topic: Outage] = [:]
        var open = 0
    }

    private let place: String
    private let logger: Logger
    private let state = Mutex(State())

    init(_ place: String, _ logger: Logger) {
        self.place = place
        self.logger = logger
    }

    /// - Parameter node: Which of several servers it was; empty for the only one.
    func failed(
        _ activity: Activity, _ fault: RedisFault, on subject: String = "", at node: String = ""
    ) {
        guard fault.kind != .cancelled, fault.kind != .closed else { return }
        let topic = topic(activity, fault, subject, node)
        let isNews = state.withLock { state in note(topic, &state) }
        if isNews {
            logger.warning("\(place): \(fault.text) (\(activity.rawValue))")
        } else {
            logger.debug("\(place): \(fault.text) (\(activity.rawValue))")
        }
    }

    /// Ends the outages that a success proves over.
    func succeeded(_ activity: Activity, on subject: String = "", at node: String = "") {
        let ended = state.withLock { state in
            guard state.open > 0 else { return false }
            var ended = false
            for (topic, outage) in state.outages where outage.isOpen {
                // What concerned no node in particular is over when any of them answers.
                guard topic.node == node || topic.node.isEmpty else { continue }
                let isOver =
                    topic.activity == nil
                    ? topic.isTake == (activity == .taking)
                    : topic.activity == activity && topic.subject == subject
                guard isOver else { continue }
                state.outages[topic]?.isOpen = false
                state.open -= 1
                ended = ended || outage.isTold
            }
            return ended
        }
        if ended { logger.info("\(place): \(activity.rawValue) works again") }
    }

    private func topic(
        _ activity: Activity, _ fault: RedisFault, _ subject: String, _ node: String
    ) -> Topic {
        let isTake = activity == .taking
        guard fault.isOfConnection else {
            return Topic(
                node: node, activity: activity, isTake: isTake, subject: subject, kind: fault.kind)
        }
        // A server that dies is first lost, then silent, then refuses: one outage.
        let isGone = [.lost, .silent, .unreachable].contains(fault.kind)
        return Topic(
            node: node, activity: nil, isTake: isTake, subject: "",
            kind: isGone ? nil : fault.kind)
    }

    /// Notes a fault; whether it is worth a warning.
    private func note(_ topic: Topic, _ state: inout State) -> Bool {
        let now = ContinuousClock.now
        // Takes have connections of their own: what cuts these alone is not over when an announcement
        // arrives. Where both are out, one has said so.
        var twin = topic
        twin.isTake.toggle()
        let isEcho =
            topic.activity == nil && topic.kind == nil && state.outages[twin]?.isOpen == true
        if let known = state.outages[topic] {
            if known.isOpen {
                guard !known.isTold, !isEcho, now - known.warnedAt > RedisLimits.quietTime
                else { return false }
                state.outages[topic] = Outage(warnedAt: now)
                return true
            }
            // Coming and going: the outage is one, until it has been quiet for a while.
            let isNews = !isEcho && now - known.warnedAt > RedisLimits.quietTime
            state.outages[topic] = Outage(
                isTold: isNews, warnedAt: isNews ? now : known.warnedAt)
            state.open += 1
            return isNews
        }
        if state.outages.count >= RedisLimits.openFaults {
            state.outages = state.outages.filter { $0.value.isOpen }
            if state.outages.count >= RedisLimits.openFaults { return false }
        }
        state.outages[topic] = Outage(isTold: !isEcho, warnedAt: now)
        state.open += 1
        return !isEcho
    }
}
