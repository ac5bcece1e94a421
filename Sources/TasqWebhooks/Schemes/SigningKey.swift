import FoundationEssentials
package import Tasq

/// A secret made ready to sign with. Printing it, or anything that holds it, shows no byte of it.
package struct SigningKey: Sendable {
    private let key: [UInt8]

    /// Throws ``InvalidInput`` naming `field`, never the secret, when it is empty, has white space
    /// around it (an unset variable, a file with a line end) or is not what the form demands.
    package init(
        _ secret: String, form: SignatureScheme.KeyForm, field: String
    ) throws(InvalidInput) {
        guard !secret.allSatisfy(\.isWhitespace) else {
            throw InvalidInput(field: field, "is empty; an empty secret would verify anything")
        }
        guard secret.first?.isWhitespace != true, secret.last?.isWhitespace != true else {
            throw InvalidInput(field: field, "has white space at its start or end; remove it")
        }
        switch form {
        case .raw:
            key = Array(secret.utf8)
        case .standard:
            let encoded =
                secret.hasPrefix("whsec_") ? secret.dropFirst("whsec_".count) : secret[...]
            let padding = String(repeating: "=", count: (4 - encoded.utf8.count % 4) % 4)
            guard let bytes = Data(base64Encoded: encoded + padding), !bytes.isEmpty else {
                throw InvalidInput(field: field, "must be base64, after whsec_ where that is used")
            }
            key = Array(bytes)
        }
    }

    /// The HMAC over the parts, in order.
    package func authenticationCode(
        of parts: [[UInt8]], algorithm: SignatureScheme.Algorithm
    ) -> [UInt8] {
        // A body alone, as most sign it, is not copied.
        guard parts.count != 1 else {
            return algorithm.authenticationCode(of: parts[0], key: key)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { bytes += part }
        return algorithm.authenticationCode(of: bytes, key: key)
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    package var description: String { "SigningKey(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SignatureScheme.Encoding {
    /// The bytes a text stands for; `nil` when it is not this encoding.
    package func decode(_ text: Substring) -> [UInt8]? {
        switch self {
        case .base64: return Data(base64Encoded: String(text)).map(Array.init)
        case .hex:
            guard text.utf8.count % 2 == 0 else { return nil }
            var bytes: [UInt8] = []
            var high: UInt8?
            for character in text.utf8 {
                guard let digit = hexDigit(character) else { return nil }
                if let first = high {
                    bytes.append(first << 4 | digit)
                    high = nil
                } else {
                    high = digit
                }
            }
            return bytes
        }
    }

    package func encode(_ bytes: [UInt8]) -> String {
        switch self {
        case .base64: return Data(bytes).base64EncodedString()
        case .hex:
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
            return String(decoding: text, as: UTF8.self)
        }
    }
}
