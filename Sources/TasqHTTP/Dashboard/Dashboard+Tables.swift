import Tasq

/// What tables and lists are made of.
extension Dashboard {
    /// A table. A heading that begins with # is one of numbers, one with ~ of long text. On a
    /// narrow screen each row is a card, where every cell tells its heading.
    static func table(_ headings: [String], _ rows: [[Markup]], empty: String) -> Markup {
        guard !rows.isEmpty else {
            return "<div class=\"table\"><p class=\"empty\">\(empty)</p></div>"
        }
        let columns = headings.map { heading in
            (
                name: heading.drop { "#~".contains($0) },
                style: heading.hasPrefix("#") ? "num" : heading.hasPrefix("~") ? "wrap" : "plain"
            )
        }
        let head = Markup(each: columns) { name, style in
            "<th scope=\"col\" class=\"\(style)\">\(name)</th>"
        }
        let body = Markup(each: rows) { cells in
            let row = Markup(each: zip(columns, cells)) { column, cell in
                "<td class=\"\(column.style)\" data-label=\"\(column.name)\">\(cell)</td>"
            }
            return "<tr>\(row)</tr>"
        }
        return """
            <div class="table"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>
            """
    }

    /// A name and a value, or nothing where there is no value.
    static func row(_ name: String, _ value: (some CustomStringConvertible)?) -> Markup {
        row(name, value.map { "\($0)" as Markup })
    }

    static func row(_ name: String, _ value: Markup?) -> Markup {
        value.map { "<dt>\(name)</dt><dd>\($0)</dd>" } ?? ""
    }

    /// Where a list goes on. What no list has given is refused: its first page would look like an
    /// answer.
    static func cursor<Cursor>(
        of query: Query, _ read: (String) -> Cursor?
    ) throws(Problem) -> Cursor? {
        try query.value("cursor") { text throws(InvalidInput) in
            guard let cursor = read(text) else {
                throw InvalidInput(
                    field: "cursor", "must be one that this list has given: begin with no cursor")
            }
            return cursor
        }
    }

    /// The way to the next page; where a search has not found a page's worth, how far it went.
    static func next(_ target: String?, searchedTo time: Timestamp?) -> Markup {
        guard let target else { return "" }
        guard let time else {
            return """
                <nav class="pages" aria-label="Pages"><a href="\(target)">older →</a></nav>
                """
        }
        return """
            <nav class="pages" aria-label="Pages">Searched back to \(plain(time)). <a href="\(target)">continue →</a></nav>
            """
    }

    /// A field of a filter: a list of what is known, where that is not too long for one.
    static func field(_ name: String, _ value: String?, of known: [Name] = []) -> Markup {
        guard (1...Self.choices).contains(known.count) else {
            return "<label>\(name) <input name=\"\(name)\" value=\"\(value ?? "")\"></label>"
        }
        var names = known.map(\.description)
        if let value, !names.contains(value) { names.append(value) }
        let options = Markup(each: names) { text in
            "<option\(text == value ? " selected" : "" as Markup)>\(text)</option>"
        }
        return """
            <label>\(name) <select name="\(name)"><option value="">any</option>\(options)</select></label>
            """
    }

    /// Names that a list to choose from has, at most.
    static let choices = 200

    /// A status in its colour.
    static func text(of status: JobStatus) -> Markup {
        "<span class=\"\(status.rawValue)\">\(status.rawValue)</span>"
    }

    /// A time to the second, in UTC, without its letters.
    static func plain(_ time: Timestamp) -> String {
        time.description.prefix(19).split(separator: "T").joined(separator: " ")
    }

    /// The same where no heading says that it is UTC.
    static func utc(_ time: Timestamp) -> String { plain(time) + " UTC" }

    /// A time as people say it, as in `3 min ago`; exactly on hover.
    static func moment(_ time: Timestamp, now: Timestamp = .now) -> Markup {
        let (gap, isBeyond) = now.microseconds.subtractingReportingOverflow(time.microseconds)
        var words = utc(time)
        if !isBeyond {
            let length = rounded(.microseconds(Int64(clamping: gap.magnitude)))
            words =
                gap.magnitude < 1_000_000 ? "now" : gap > 0 ? length + " ago" : "in " + length
        }
        return "<time datetime=\"\(time)\" title=\"\(utc(time))\">\(words)</time>"
    }

    /// A length of time in whole units.
    static func rounded(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }

    /// A length of time in its largest unit.
    static func short(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        switch seconds {
        case ..<1: return "\(number(seconds * 1000)) ms"
        case ..<120: return "\(number(seconds)) s"
        case ..<7200: return "\(number(seconds / 60)) min"
        case ..<172_800: return "\(number(seconds / 3600)) h"
        default: return "\(number(seconds / 86_400)) d"
        }
    }

    /// An id, of which a narrow screen shows the end: ids of one moment all begin alike.
    static func id(_ id: some CustomStringConvertible) -> Markup {
        let (start, end) = (id.description.prefix(24), id.description.dropFirst(24))
        return """
            <span class="id"><span class="start">\(start)</span><span class="end">\(end)</span></span>
            """
    }

    /// The end of an id, which tells it from others in a list; all of it on hover.
    static func brief(_ id: some CustomStringConvertible) -> Markup {
        "<span class=\"id\" title=\"\(id)\">…\(id.description.suffix(8))</span>"
    }
}
