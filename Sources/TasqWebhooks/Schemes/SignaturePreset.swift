package import Tasq

/// A scheme that a configuration calls by its name.
package struct SignaturePreset: Sendable {
    package let name: String
    package let scheme: SignatureScheme
    /// A request that proves itself by this scheme, signed by something else than this package.
    package let example: Example

    package struct Example: Sendable {
        package let secret: String
        package let headers: KeyValuePairs<String, String>
        package var body = Example.commonBody
        /// The event's id and type, as the provider would have them read; `nil` for none.
        package let id: String?
        package let type: String?

        /// When every example was signed that has a time in it.
        package static let time = Timestamp(microseconds: 1_700_000_000_000_000)
        /// 48 bytes, some of them an escape; saved as `b.json` where a comment has a command.
        package static let commonBody = Array(
            #"{"id":"evt_1","type":"push","note":"h\u00e9llo"}"#.utf8)
    }
}

extension SignaturePreset: CustomStringConvertible {
    /// The name, where the proof, the event's id and its type stand, and the headers handlers see.
    package var description: String {
        let kept = scheme.kept.isEmpty ? "none" : scheme.kept.joined(separator: " ")
        let places: [String?] = [
            "proof in header:\(scheme.header)", scheme.id.map { "id in \($0)" },
            scheme.type.map { "type in \($0)" }, "handlers see \(kept)",
        ]
        return "\(name): " + places.compactMap(\.self).joined(separator: ", ")
    }
}
