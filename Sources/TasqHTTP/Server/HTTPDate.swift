import Synchronization
import Tasq

/// A time as HTTP writes it (RFC 9110, section 5.6.7), as in `Mon, 23 Nov 2026 19:20:00 GMT`.
struct HTTPDate: CustomStringConvertible {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    let description: String

    /// For times from 1970 to 9999.
    init(_ time: Timestamp) {
        // 2026-11-23T19:20:00.123Z; 1970-01-01 was a Thursday.
        let text = time.description.split { "-T.".contains($0) }
        let weekday = Self.weekdays[Int(max(0, time.microseconds) / 86_400_000_000 % 7)]
        guard text.count == 5, let month = Int(text[1]), (1...12).contains(month) else {
            description = "Thu, 01 Jan 1970 00:00:00 GMT"
            return
        }
        description = "\(weekday), \(text[2]) \(Self.months[month - 1]) \(text[0]) \(text[3]) GMT"
    }

    private static let latest = Mutex((second: Int64(-1), text: ""))

    /// Now; written out once a second.
    static var now: String {
        let time = Timestamp.now
        let second = time.microseconds / 1_000_000
        return latest.withLock { latest in
            if latest.second != second { latest = (second, HTTPDate(time).description) }
            return latest.text
        }
    }
}
