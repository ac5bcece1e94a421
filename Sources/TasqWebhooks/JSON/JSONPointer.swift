package import Tasq

/// A place in a JSON document (RFC 6901), as in `/repository/full_name`.
package struct JSONPointer: Sendable, Hashable {
    /// Bytes a pointer may have.
    package static let byteLimit = 1000

    private struct Step: Sendable, Hashable {
        /// The member's name in UTF-8. Compared byte by byte: two names that merely look alike
        /// after Unicode normalisation are two members.
        let name: [UInt8]
        /// The array index it can also mean.
        let index: Int?
    }

    private let steps: [Step]

    /// Throws ``InvalidInput`` naming `field` when the text is not a pointer.
    package init(_ text: some StringProtocol, field: String) throws(InvalidInput) {
        guard text.utf8.count <= Self.byteLimit, text.isEmpty || text.hasPrefix("/") else {
            throw InvalidInput(
                field: field,
                "must be a JSON pointer: /, then names, at most \(Self.byteLimit) bytes")
        }
        var steps: [Step] = []
        for part in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .dropFirst()
        {
            guard let name = unescaped(part) else {
                throw InvalidInput(field: field, "must write ~ as ~0 and / as ~1 within a name")
            }
            steps.append(Step(name: name, index: arrayIndex(name)))
        }
        guard steps.count <= JSONScanner.depthLimit else {
            throw InvalidInput(
                field: field, "must have at most \(JSONScanner.depthLimit) names")
        }
        self.steps = steps
    }

    /// For names known to the program.
    package init(member name: String) {
        steps = [Step(name: Array(name.utf8), index: nil)]
    }

    /// The text of the scalar at this place: a string decoded, a number as it is written, `true`
    /// or `false`; `nil` for anything else, and when the bytes are not JSON to their end.
    ///
    /// Of members with the same name the last one counts, as in PostgreSQL's `jsonb`.
    package func value(in bytes: [UInt8]) -> String? {
        var walk = Walk(steps: steps, bytes: bytes)
        var scanner = JSONScanner(bytes)
        do throws(JSONScanner.Fault) {
            while let token = try scanner.next() { walk.see(token) }
        } catch {
            return nil
        }
        return walk.text
    }

    /// Follows the tokens of a document along a pointer's steps.
    private struct Walk {
        let steps: [Step]
        let bytes: [UInt8]
        /// Open containers.
        var depth = 0
        /// Of these, how many lie on the pointer's path; they are the outermost ones.
        var pathDepth = 0
        /// For each container on the path, the index of its next element; `nil` for an object.
        var nextIndex: [Int?] = []
        var nameMatches = false
        var found: JSONScanner.Token?

        mutating func see(_ token: JSONScanner.Token) {
            switch token {
            case .key(let range):
                guard depth == pathDepth else { return }
                nameMatches = JSONText.unescaped(bytes[range]) == steps[depth - 1].name
            case .beginObject, .beginArray:
                let isOnPath = choose() && depth < steps.count
                depth += 1
                if isOnPath {
                    pathDepth = depth
                    nextIndex.append(token == .beginArray ? 0 : nil)
                }
            case .endObject, .endArray:
                if depth == pathDepth {
                    pathDepth -= 1
                    nextIndex.removeLast()
                }
                depth -= 1
            case .string, .number, .true, .false, .null:
                if choose(), depth == steps.count { found = token }
            }
        }

        /// Whether the value that starts here is the one the path goes through; what an earlier
        /// member of the same name gave is then forgotten.
        private mutating func choose() -> Bool {
            guard depth == pathDepth else { return false }
            if depth > 0 {
                if let index = nextIndex[depth - 1] {
                    nextIndex[depth - 1] = index + 1
                    guard index == steps[depth - 1].index else { return false }
                } else if !nameMatches {
                    return false
                }
            }
            found = nil
            return true
        }

        var text: String? {
            switch found {
            case .string(let range):
                JSONText.unescaped(bytes[range]).flatMap { String(validating: $0, as: UTF8.self) }
            case .number(let range):
                String(decoding: bytes[range], as: UTF8.self)
            case .true: "true"
            case .false: "false"
            default: nil
            }
        }
    }
}

extension JSONPointer: CustomStringConvertible {
    package var description: String {
        steps.map { step in
            "/"
                + String(decoding: step.name, as: UTF8.self).split(
                    separator: "~", omittingEmptySubsequences: false
                ).joined(separator: "~0").split(
                    separator: "/", omittingEmptySubsequences: false
                ).joined(separator: "~1")
        }.joined()
    }
}

private func unescaped(_ part: some Collection<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var iterator = part.makeIterator()
    while let byte = iterator.next() {
        guard byte == UInt8(ascii: "~") else {
            result.append(byte)
            continue
        }
        switch iterator.next() {
        case UInt8(ascii: "0"): result.append(UInt8(ascii: "~"))
        case UInt8(ascii: "1"): result.append(UInt8(ascii: "/"))
        default: return nil
        }
    }
    return result
}

/// `0`, or digits without a leading zero.
private func arrayIndex(_ name: [UInt8]) -> Int? {
    guard name.allSatisfy({ (0x30...0x39).contains($0) }), name.first != 0x30 || name.count == 1
    else {
        return nil
    }
    return Int(String(decoding: name, as: UTF8.self))
}
