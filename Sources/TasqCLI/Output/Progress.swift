/// One line on a terminal that is written over and over; nothing anywhere else.
struct Progress: Sendable {
    let isShown: Bool

    func show(_ text: String) {
        if isShown { StandardError.write("\r\u{1B}[2K\(text)") }
    }

    /// Takes the line away.
    func clear() {
        if isShown { StandardError.write("\r\u{1B}[2K") }
    }
}
