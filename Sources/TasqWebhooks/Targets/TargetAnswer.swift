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
    /// The beginning of the body, as ``text(of:isWhole:hiding:)`` tells it.
    package let text: String?

    package init(status: Int, retryAfter: String?, date: String? = nil, text: String? = nil) {
        self.status = status
        self.retryAfter = retryAfter
        self.date = date
        self.text = text
    }

    /// The outcome of the attempt; `nil` is success. `target` names it in the reason.
    ///
    /// The reason of an attempt that counts begins with ``text``. Its last line is ours alone: logs
    /// and lists tell that one only. A job that is put off records no attempt, and so no text.
    package func outcome(from target: String, now: Timestamp = .now) -> Outcome? {
        switch status {
        case 200...299:
            nil
        case 410:
            .fail(told("\(target) answered 410 Gone: it wants no further deliveries"))
        case 429:
            .later(after: wait(now: now), "\(target) answered \(status)")
        case 503:
            // Without a wait it is an error like others.
            retryAfter == nil
                ? .retry(told("\(target) answered 503"))
                : .later(after: wait(now: now), "\(target) answered 503")
        case 300...399:
            .retry(
                told(
                    "\(target) answered \(status): redirects are not followed; "
                        + "configure the URL it points to"))
        default:
            .retry(told("\(target) answered \(status)"))
        }
    }

    private func told(_ line: String) -> String {
        text.map { "\($0)\n\(line)" } ?? line
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
