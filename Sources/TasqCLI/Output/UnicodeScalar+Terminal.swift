extension Unicode.Scalar {
    /// Whether it would do something to a terminal in place of being shown: move the cursor, colour
    /// the text, or turn the text around it (the controls of Unicode's annex 9).
    var steersTerminal: Bool {
        switch value {
        case 0..<32, 127...159, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
