/// Rows under headings, each column as wide as its widest cell.
struct Table {
    /// One column: its heading, and whether its cells are numbers and stand at the right.
    struct Column {
        let heading: String
        var isNumber = false
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// A text and how it is coloured on a terminal.
    struct Cell: ExpressibleByStringInterpolation {
        let text: String
        var style = Style.plain

        init(_ text: String, _ style: Style = .plain) {
            self.text = text.map(Self.printable).joined()
            self.style = style
        }

        init(stringLiteral text: String) { self.init(text) }

        private static func printable(_ character: Character) -> String {
            let steers = character.unicodeScalars.contains { $0.steersTerminal }
            return steers ? "\u{FFFD}" : String(character)
        }
    }

    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    /// The whole text, a line end after each line.
    func text(styled: Bool) -> String {
        lines().map { Self.text(of: $0, styled: styled) + "\n" }.joined()
    }

    /// The heading and the rows as pieces, those between the cells holding the blanks that put the
    /// columns under each other.
    func lines() -> [[Cell]] {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].heading.count) { width, row in
                max(width, index < row.count ? row[index].text.count : 0)
            }
        }
        let heading = columns.map { Cell($0.heading, .heading) }
        return ([heading] + rows).map { pieces(of: $0, widths) }
    }

    /// A line without the blanks at its end.
    static func text(of pieces: [Cell], styled: Bool) -> String {
        var line = pieces.map { styled ? $0.style.applied(to: $0.text) : $0.text }.joined()
        while line.last == " " { line.removeLast() }
        return line
    }

    private func pieces(of cells: [Cell], _ widths: [Int]) -> [Cell] {
        var pieces: [Cell] = []
        for (index, cell) in cells.enumerated() where index < columns.count {
            let gap = Cell(String(repeating: " ", count: widths[index] - cell.text.count))
            if index > 0 { pieces.append("  ") }
            pieces += columns[index].isNumber ? [gap, cell] : [cell, gap]
        }
        return pieces
    }
}

/// How a text looks on a terminal.
enum Style: String, Sendable {
    case plain = "0"
    case heading = "1"
    case good = "32"
    case bad = "31"
    case busy = "33"
    case faint = "2"

    func applied(to text: String) -> String {
        self == .plain || text.isEmpty ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }

    /// Whether output may be coloured: on a terminal, unless `NO_COLOR` is set to anything.
    static func isWanted(isTerminal: Bool, environment: [String: String]) -> Bool {
        isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}
