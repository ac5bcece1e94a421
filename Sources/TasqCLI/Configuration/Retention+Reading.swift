import Logging
import Tasq

extension Retention {
    /// Reads `retention.queues`; the scalar keys have been read, and hold where a queue says nothing.
    /// Reports what is wrong.
    mutating func readQueues(of section: ConfigurationMapping) {
        Self.refuseUnfinished(in: section)
        guard let map = section.mapping("queues") else { return }
        for text in map.keys {
            let queue = map.name(text)
            guard let own = map.mapping(text) else {
                map.report(text, "must say how long success, error or cancelled is kept")
                continue
            }
            var ages = self.ages
            for status in JobStatus.finished {
                if let age = own.value(status.rawValue, Self.age) { ages[status] = age }
            }
            Self.refuseUnfinished(in: own)
            own.finish()
            if let queue { queues[queue] = ages }
        }
    }

    /// Says of the other statuses why they have no age.
    private static func refuseUnfinished(in map: ConfigurationMapping) {
        for status in JobStatus.allCases where !status.isFinal {
            guard map.keys.contains(status.rawValue), map.has(status.rawValue) else { continue }
            map.report(
                status.rawValue,
                "cannot be pruned: only success, error and cancelled are statuses of finished jobs")
        }
    }

    /// Reads how long jobs are kept: a duration, `0`, or `forever`, which is `nil`.
    static func age(_ text: String) throws(InvalidInput) -> Duration? {
        switch text {
        case "forever": return nil
        case "0": return .zero
        default:
            do throws(InvalidInput) {
                return try duration(text, in: .zero...longest)
            } catch {
                throw InvalidInput(field: "age", error.rule + ", or forever")
            }
        }
    }

    /// An age as it is written.
    static func text(of age: Duration?) -> String {
        age.map { DurationText.format($0) } ?? "forever"
    }
}

extension Configuration {
    /// Says at the start what will go, and when: nobody should lose a job unawares.
    func tellOfRetention(_ logger: Logger) {
        logger.info(
            retention.prunes
                ? "finished jobs are pruned: \(retention)"
                : "finished jobs are kept for ever: nothing is pruned")
    }
}
