/// Names and values under each other, as `show` prints them.
struct Facts {
    let styled: Bool
    private(set) var text = ""

    init(styled: Bool) {
        self.styled = styled
    }

    /// A line; none without a value.
    mutating func add(_ name: String, _ value: String?, _ style: Style = .plain) {
        guard let value else { return }
        let cell = Table.Cell(value, style)
        let gap = String(repeating: " ", count: max(1, 14 - name.count))
        text += name + gap + (styled ? style.applied(to: cell.text) : cell.text) + "\n"
    }

    /// The lines of a value, the first one behind its name; none where it has none.
    mutating func add(_ name: String, lines value: String) {
        for (index, line) in Self.lines(of: value).enumerated() {
            add(index == 0 ? name : "", line)
        }
    }

    /// The lines of a text that say anything, tabs as blanks.
    static func lines(of text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { line in
            String(line).replacing("\t", with: "    ")
        }
    }
}
