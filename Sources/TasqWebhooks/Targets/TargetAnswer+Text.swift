import NIOHTTP1

extension TargetAnswer {
    /// Bytes of a body that are told at most.
    package static let textByteLimit = 500

    /// The beginning of an answer's body, as text for people; `nil` where there is none to tell.
    ///
    /// A body with a NUL in it is no text. What is no UTF-8, and control characters but tabs and
    /// ends of lines, become U+FFFD; a longer text ends with `…`.
    ///
    /// - Parameters:
    ///   - body: As much of it as was read.
    ///   - isWhole: Whether that is all of it.
    ///   - secrets: Each becomes `***`, as some targets repeat what they were sent.
    package static func text(
        of body: [UInt8], isWhole: Bool = true, hiding secrets: [[UInt8]] = []
    ) -> String? {
        guard !body.isEmpty, !body.contains(0) else { return nil }
        var rest = body
        // One may be part of another.
        for secret in secrets.sorted(by: { $0.count > $1.count }) where !secret.isEmpty {
            rest = rest.replacing(secret, with: mask)
        }
        // What was cut off may end with the beginning of one.
        if !isWhole, let longest = secrets.map(\.count).max() {
            rest.removeLast(min(rest.count, max(0, longest - 1)))
        }
        var bytes = 0
        var text = String.UnicodeScalarView()
        var isCut = false
        for scalar in String(decoding: rest, as: UTF8.self).unicodeScalars {
            if scalar == "\r" || text.isEmpty && scalar.properties.isWhitespace { continue }
            let shown: Unicode.Scalar = isShown(scalar) ? scalar : "\u{FFFD}"
            bytes += UTF8.width(shown)
            isCut = bytes > textByteLimit
            guard !isCut else { break }
            text.append(shown)
        }
        while text.last?.properties.isWhitespace == true { text.removeLast() }
        guard !text.isEmpty else { return nil }
        if isCut { text.append("…") }
        return String(text)
    }

    private static let mask = Array("***".utf8)

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: true
        case 0..<0x20, 0x7F..<0xA0: false
        default: true
        }
    }
}

extension HTTPAnswer {
    /// The beginning of its body for people; `nil` where it is none, or is packed.
    func text(hiding secrets: [[UInt8]]) -> String? {
        guard !headers.contains(name: "content-encoding") else { return nil }
        return TargetAnswer.text(of: body, isWhole: isWhole, hiding: secrets)
    }
}
