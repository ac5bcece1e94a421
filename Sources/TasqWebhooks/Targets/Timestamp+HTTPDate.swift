package import Tasq

extension Timestamp {
    /// Reads an HTTP date in any of its three forms (RFC 9110, section 5.6.7):
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
    /// `Sun Nov  6 08:49:37 1994`. The day of the week is not compared with the date.
    ///
    /// A year of two digits is the one within 50 years of `now` that is not further ahead.
    package init?(httpDate text: Substring, now: Timestamp = .now) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        let date: [Substring]
        let time: Substring
        if parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT" {
            date = [parts[3], parts[2], parts[1]]
            time = parts[4]
        } else if parts.count == 4, longDays.contains(parts[0]), parts[3] == "GMT" {
            let fields = parts[1].split(separator: "-", omittingEmptySubsequences: false)
            guard fields.count == 3, let year = fullYear(fields[2], now: now) else { return nil }
            date = [year[...], fields[1], fields[0]]
            time = parts[2]
        } else {
            // A day of one digit stands behind two blanks.
            let words = parts.filter { !$0.isEmpty }
            guard words.count == 5, words[0].utf8.count == 3, text.utf8.count == 24,
                let day = Int(words[2]), !words[2].hasPrefix("+")
            else { return nil }
            date = [words[4], words[1], day < 10 ? "0\(day)" : words[2]]
            time = words[3]
        }
        guard let month = months.firstIndex(of: date[1]) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(date[0])-\(number)-\(date[2])T\(time)Z")
    }
}

private let months: [Substring] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]

private let longDays: [Substring] = [
    "Monday,", "Tuesday,", "Wednesday,", "Thursday,", "Friday,", "Saturday,", "Sunday,",
]

/// A year of two digits in full: what seems to lie more than 50 years ahead is past.
private func fullYear(_ text: Substring, now: Timestamp) -> String? {
    guard text.utf8.count == 2, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let digits = Int(text), let current = Int(now.description.prefix(4))
    else { return nil }
    let year = current / 100 * 100 + digits
    return String(year > current + 50 ? year - 100 : year <= current - 50 ? year + 100 : year)
}
