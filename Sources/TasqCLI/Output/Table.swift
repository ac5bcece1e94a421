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

        /// Control characters would move the cursor or colour the terminal.
        private static func printable(_ character: Character) -> String {
            let isControl = character.unicodeScalars.contains {
                $0.value < 32 || (127...159).contains($0.value)
            }
            return isControl ? "\u{FFFD}" : String(character)
        }
    }

    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    /// The whole text, a line end after each line.
    func text(styled: Bool) -> String {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].heading.count) { width, row in
                max(width, index < row.count ? row[index].text.count : 0)
            }
        }
        let heading = columns.map { Cell($0.heading, .heading) }
        return ([heading] + rows).map { line(of: $0, widths, styled: styled) }.joined()
    }

    private func line(of cells: [Cell], _ widths: [Int], styled: Bool) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() where index < columns.count {
            let gap = String(repeating: " ", count: widths[index] - cell.text.count)
            let text = styled ? cell.style.applied(to: cell.text) : cell.text
            if index > 0 { line += "  " }
            if columns[index].isNumber {
                line += gap + text
            } else {
                line += index == columns.count - 1 ? text : text + gap
            }
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
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
