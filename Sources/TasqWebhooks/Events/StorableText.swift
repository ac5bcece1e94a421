/// A stranger's text as a column takes it: as it is when it is short and printable, else its
/// SHA-256 as `sha256:` and 64 hexadecimal digits; `nil` for an empty one.
///
/// An id or key that is too long, or that holds a NUL, must neither lose the event nor be cut: two
/// different ones would become the same.
package func storableText(_ text: String, byteLimit: Int) -> String? {
    guard !text.isEmpty else { return nil }
    if text.utf8.count <= byteLimit, isPrintable(text) { return text }
    return "sha256:"
        + SignatureScheme.Encoding.hex.encode(
            SignatureScheme.Algorithm.sha256.hash(Array(text.utf8)))
}

/// Whether a text is free of control characters; a tab is one.
package func isPrintable(_ text: some StringProtocol) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
}
