/// One line on a terminal that is written over and over; nothing anywhere else.
struct Progress: Sendable {
    /// Characters of a bar.
    private static let barWidth = 24

    let isShown: Bool

    /// How far a walk over jobs has come, as a bar and in words.
    static func bar(_ count: Int, of estimate: Int) -> String {
        let total = max(1, estimate)
        let filled = min(barWidth, count * barWidth / total)
        return "[" + String(repeating: "=", count: filled)
            + String(repeating: " ", count: barWidth - filled)
            + "] \(count) of about \(total) looked at"
    }

    func show(_ text: String) {
        if isShown { StandardError.write("\r\u{1B}[2K\(text)") }
    }

    /// Takes the line away.
    func clear() {
        if isShown { StandardError.write("\r\u{1B}[2K") }
    }
}
