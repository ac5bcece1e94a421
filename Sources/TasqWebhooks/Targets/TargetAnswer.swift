package import Tasq

/// What a target answered, as far as the job's fate depends on it.
package struct TargetAnswer: Sendable {
    /// The longest wait a target may ask for: a day.
    package static let waitLimit = Duration.seconds(86_400)

    package let status: Int
    /// The `Retry-After` header, where there is just one.
    package let retryAfter: String?
    /// The `Date` header, where there is just one.
    package let date: String?

    package init(status: Int, retryAfter: String?, date: String? = nil) {
        self.status = status
        self.retryAfter = retryAfter
        self.date = date
    }

    /// The outcome of the attempt; `nil` is success. `target` names it in the reason.
    package func outcome(from target: String, now: Timestamp = .now) -> Outcome? {
        switch status {
        case 200...299:
            nil
        case 410:
            .fail("\(target) answered 410 Gone: it wants no further deliveries")
        case 429:
            .later(after: wait(now: now), "\(target) answered \(status)")
        case 503:
            // Without a wait it is an error like others.
            retryAfter == nil
                ? .retry("\(target) answered 503")
                : .later(after: wait(now: now), "\(target) answered 503")
        case 300...399:
            .retry(
                "\(target) answered \(status): redirects are not followed; "
                    + "configure the URL it points to")
        default:
            .retry("\(target) answered \(status)")
        }
    }

    /// The wait the target asks for (RFC 9110, section 10.2.3), from zero to ``waitLimit``; `nil`
    /// when it asks for none or the header is neither seconds nor a date. A date is compared with
    /// the target's own, where it tells that: two clocks that are an hour apart would turn a wait
    /// of seconds into one of an hour.
    package func wait(now: Timestamp) -> Duration? {
        guard let text = retryAfter.map({ $0[...].trimmingBlanks() }), !text.isEmpty else {
            return nil
        }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            let seconds = Int64(text) ?? .max
            return min(.seconds(seconds), Self.waitLimit)
        }
        guard let date = Timestamp(httpDate: text, now: now) else { return nil }
        let sent =
            self.date.flatMap { Timestamp(httpDate: $0[...].trimmingBlanks(), now: now) } ?? now
        let (wait, overflow) = date.microseconds.subtractingReportingOverflow(sent.microseconds)
        return overflow ? nil : min(max(.zero, .microseconds(wait)), Self.waitLimit)
    }
}
