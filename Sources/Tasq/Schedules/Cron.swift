/// When a schedule ticks, as people write it: a cron text, a nickname such as `@daily`, or `@every`.
///
/// Five fields are Vixie's: minute, hour, day of month, month, day of week. Six have the second first.
/// Lists, ranges, steps and English names are taken in every field where they mean something; `L`,
/// `L-3`, `15W` and `LW` among the days of a month, `FRI#2` and `FRIL` among the days of a week. Where
/// both fields of days say something, a day must match both if one of them starts with a star, and
/// either otherwise. What other programs read in different ways is refused.
public struct Cron: Sendable, Hashable {
    /// Bytes that a text may have.
    public static let textBytes = 200
    /// The longest time between two ticks of `@every`.
    static let longestPeriod: Int64 = 366 * 86_400

    enum Form: Sendable, Hashable {
        /// Local times that match.
        case fields(CronFields)
        /// So many seconds apart.
        case every(Int64)
    }

    /// As it was written.
    public let text: String
    let form: Form

    /// Reads a text. Throws ``InvalidInput`` naming `field` for one that is none, that other programs
    /// read otherwise, or that can never fire.
    public init(_ text: String, field: String = "cron") throws(InvalidInput) {
        self.text = text
        guard (1...Self.textBytes).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7e).contains($0) || $0 == 0x09 })
        else {
            throw InvalidInput(field: field, "must be 1 to \(Self.textBytes) ASCII characters")
        }
        let words = text.split { $0 == " " || $0 == "\t" }
        if words.first?.first == "@" {
            form = try Self.nickname(words, field)
        } else {
            let fields = try CronReader(field: field).fields(words.map { $0.uppercased() })
            guard fields.everMatches else {
                throw InvalidInput(
                    field: field, "can never fire: no month it names has a day it names")
            }
            form = .fields(fields)
        }
    }

    /// What a reader of the text may take it for otherwise, as sentences for people.
    public var remarks: [String] {
        guard case .fields(let fields) = form else {
            return ["The ticks are counted from the start, or from 1970-01-01T00:00:00Z."]
        }
        var remarks: [String] = []
        if fields.restrictsBothDays {
            remarks.append(
                fields.needsBothDays
                    ? "A day must match both the day of month and the day of week, for one of them "
                        + "starts with a star."
                    : "A day that matches the day of month or the day of week is enough.")
        }
        if fields.goesByElapsedTime {
            remarks.append(
                "It goes on when clocks are changed, for its hour or minute starts with a star.")
        }
        return remarks
    }

    private static let nicknames = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    ]

    private static func nickname(
        _ words: [Substring], _ field: String
    ) throws(InvalidInput) -> Form {
        let name = words[0].lowercased()
        if name == "@every" {
            guard words.count == 2, let period = DurationText.read(words[1]) else {
                throw InvalidInput(
                    field: field, "must have one duration after @every, as in @every 90s")
            }
            let (seconds, rest) = period.components
            guard rest == 0, (1...longestPeriod).contains(seconds) else {
                throw InvalidInput(
                    field: field, "must have whole seconds after @every, from 1s to 366d")
            }
            return .every(seconds)
        }
        guard name != "@reboot" else {
            throw InvalidInput(field: field, "cannot be @reboot: no machine's start is a tick here")
        }
        guard words.count == 1, let text = nicknames[name] else {
            throw InvalidInput(
                field: field,
                "must be one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly "
                    + "or @every and a duration, where it starts with @")
        }
        return .fields(
            try CronReader(field: field).fields(text.split(separator: " ").map(String.init)))
    }
}
