/// Writes JSON text in the order it is told; names and strings are escaped.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// The text of one object.
    static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(members)
        return writer.bytes
    }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        open("{")
        members(&self)
        close("}")
    }

    mutating func array<Items: Sequence>(
        _ items: Items, _ each: (inout JSONWriter, Items.Element) -> Void
    ) {
        open("[")
        for item in items { each(&self, item) }
        close("]")
    }

    /// The name of a member; its value must follow.
    mutating func name(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func member(_ name: String, _ value: String?) {
        self.name(name)
        if let value { string(value) } else { literal("null") }
    }

    mutating func member(_ name: String, _ value: Int?) {
        self.name(name)
        literal(value.map(String.init) ?? "null")
    }

    mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        literal(value ? "true" : "false")
    }

    mutating func member(_ name: String, _ values: some Sequence<String>) {
        self.name(name)
        array(values) { $0.string($1) }
    }

    mutating func string(_ text: String) {
        separate()
        quote(text)
    }

    /// A number, `true`, `false` or `null`.
    mutating func literal(_ text: String) {
        separate()
        bytes += text.utf8
    }

    /// JSON text that is known to be sound, as it stands.
    mutating func raw(_ json: [UInt8]) {
        separate()
        bytes += json
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7f:
                bytes += [UInt8(ascii: "\\"), UInt8(ascii: "u"), 48, 48]
                bytes += [hexDigit(byte >> 4), hexDigit(byte & 15)]
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
