/// A webhook that came as a form: its bytes are stored as they were signed, and whoever runs the job
/// is given the JSON in one of its fields.
extension Payload {
    /// The kept header that names the field; headers of a request never get such a name.
    package static let formHeader = "tasq-form"

    /// The header that says: the JSON stands in this field of the form.
    package static func form(_ field: String) -> Header {
        Header(name: formHeader, value: field)
    }

    /// The field that holds the JSON of a stored form; `nil` for any other body.
    package var formField: String? {
        headers.first { $0.name == Self.formHeader }?.value
    }

    /// The media type of what a handler is given.
    package var handledType: String { formField == nil ? contentType : "application/json" }

    /// What a handler is given: the JSON of a form that was stored with the field it stands in,
    /// anything else as it is.
    package var asHandled: Payload {
        guard let place = headers.firstIndex(where: { $0.name == Self.formHeader }) else {
            return self
        }
        var payload = self
        let field = payload.headers.remove(at: place).value
        if let json = formValue(of: field, in: body) {
            payload.body = json
            payload.contentType = "application/json"
        }
        return payload
    }
}

/// The value of a form's field, decoded; `nil` when no field or several have the name, or it is empty.
///
/// Reads `application/x-www-form-urlencoded` as the URL standard does: bytes that are no escape stand
/// for themselves.
package func formValue(of name: String, in form: [UInt8]) -> [UInt8]? {
    var found: ArraySlice<UInt8>?
    // A stranger's form may have very many fields: only names that may be the one are decoded.
    let lengths = name.utf8.count...3 * name.utf8.count
    var rest = form[...]
    while !rest.isEmpty {
        let pair = rest.prefix { $0 != UInt8(ascii: "&") }
        rest = rest[pair.endIndex...].dropFirst()
        let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
        guard lengths.contains(end - pair.startIndex),
            unescaped(pair[..<end]).elementsEqual(name.utf8)
        else { continue }
        guard found == nil else { return nil }
        found = pair[end...].dropFirst()
    }
    return found.flatMap { $0.isEmpty ? nil : unescaped($0) }
}

private func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var rest = text
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "+") {
            result.append(UInt8(ascii: " "))
        } else if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(hexDigit),
            let low = rest.dropFirst().first.flatMap(hexDigit)
        {
            result.append(high << 4 | low)
            rest = rest.dropFirst(2)
        } else {
            result.append(byte)
        }
    }
    return result
}

/// The value of a hexadecimal digit, in either case.
package func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
