package import Tasq

/// The values of `$1`, `$2`, … of one statement, in PostgreSQL's binary format.
///
/// Append them in order. Every value goes over with its length, so a NUL is never a silent end:
/// in text PostgreSQL refuses it, in bytes it is kept.
package struct Parameters: Sendable {
    struct Field: Sendable {
        let type: TypeID
        /// Where the value stands in ``bytes``; `nil` for SQL's NULL.
        let range: Range<Int>?
    }

    /// All values one after the other, behind one byte that gives the buffer an address.
    private(set) var bytes: [UInt8] = [0]
    private(set) var fields: [Field] = []

    /// Makes room for so many bytes of large values at once: growing would hold them twice.
    package init(reserving count: Int = 0) {
        if count > 0 { bytes.reserveCapacity(count) }
    }

    package mutating func append(uuid: (high: UInt64, low: UInt64)?) {
        append(uuid, as: .uuid) { $1.appendBigEndian($0.high, $0.low) }
    }

    package mutating func append<Noun>(_ id: Identifier<Noun>?) {
        append(id, as: .uuid) { $1.appendBigEndian($0.high, $0.low) }
    }

    package mutating func append(_ text: String?) {
        append(text, as: .text) { $1.append(contentsOf: $0.utf8) }
    }

    /// A `bigint`; narrower columns cast it.
    package mutating func append(_ number: Int64?) {
        append(number, as: .bigint) { $1.appendBigEndian($0) }
    }

    package mutating func append(_ flag: Bool?) {
        append(flag, as: .boolean) { $1.append($0 ? 1 : 0) }
    }

    package mutating func append(bytes value: [UInt8]?) {
        append(value, as: .bytea) { $1.append(contentsOf: $0) }
    }

    package mutating func append(_ time: Timestamp?) {
        append(time, as: .timestamptz) { $1.appendBigEndian($0.microsecondsSince2000) }
    }

    private mutating func append<Value>(
        _ value: Value?, as type: TypeID, _ write: (Value, inout [UInt8]) -> Void
    ) {
        guard let value else {
            fields.append(Field(type: type, range: nil))
            return
        }
        let start = bytes.count
        write(value, &bytes)
        fields.append(Field(type: type, range: start..<bytes.count))
    }
}

extension Parameters {
    package mutating func append<Noun>(_ ids: [Identifier<Noun>]) {
        append(array: ids, of: .uuid, as: .uuidArray) { $1.appendBigEndian($0.high, $0.low) }
    }

    package mutating func append<Noun>(_ ids: [Identifier<Noun>?]) {
        append(array: ids, of: .uuid, as: .uuidArray) { $1.appendBigEndian($0.high, $0.low) }
    }

    package mutating func append(_ texts: [String?]) {
        append(array: texts, of: .text, as: .textArray) { $1.append(contentsOf: $0.utf8) }
    }

    package mutating func append(_ numbers: [Int64?]) {
        append(array: numbers, of: .bigint, as: .bigintArray) { $1.appendBigEndian($0) }
    }

    package mutating func append(_ flags: [Bool]) {
        append(array: flags, of: .boolean, as: .booleanArray) { $1.append($0 ? 1 : 0) }
    }

    package mutating func append(bytesArray: [[UInt8]]) {
        append(array: bytesArray, of: .bytea, as: .byteaArray) { $1.append(contentsOf: $0) }
    }

    package mutating func append(_ times: [Timestamp?]) {
        append(array: times, of: .timestamptz, as: .timestamptzArray) {
            $1.appendBigEndian($0.microsecondsSince2000)
        }
    }

    /// One dimension counted from 1: dimensions, whether there are NULLs, the element's type,
    /// length and lower bound; then each element with its length, -1 for NULL. An empty array has
    /// no dimension.
    private mutating func append<Value>(
        array values: [Value?], of element: TypeID, as type: TypeID,
        _ write: (Value, inout [UInt8]) -> Void
    ) {
        append(values, as: type) { values, bytes in
            bytes.appendBigEndian(Int32(values.isEmpty ? 0 : 1))
            bytes.appendBigEndian(Int32(values.contains { $0 == nil } ? 1 : 0))
            bytes.appendBigEndian(element.rawValue)
            guard !values.isEmpty else { return }
            bytes.appendBigEndian(Int32(clamping: values.count))
            bytes.appendBigEndian(Int32(1))
            for value in values {
                guard let value else {
                    bytes.appendBigEndian(Int32(-1))
                    continue
                }
                let mark = bytes.count
                bytes.appendBigEndian(Int32(0))
                write(value, &bytes)
                bytes.putBigEndian(Int32(clamping: bytes.count - mark - 4), at: mark)
            }
        }
    }
}

/// PostgreSQL's numbers for the types that cross the wire; they never change (pg_type.dat).
enum TypeID: UInt32, Sendable {
    case boolean = 16
    case bytea = 17
    case bigint = 20
    case text = 25
    case booleanArray = 1000
    case byteaArray = 1001
    case textArray = 1009
    case bigintArray = 1016
    case timestamptz = 1184
    case timestamptzArray = 1185
    case uuid = 2950
    case uuidArray = 2951
}

extension Timestamp {
    /// Between PostgreSQL's epoch, 2000-01-01T00:00:00Z, and this type's.
    static let microsecondsFrom1970To2000: Int64 = 946_684_800_000_000

    /// As PostgreSQL sends it. Times too early for its 64 bits become one that it refuses as out
    /// of range; the lowest number of all would mean `-infinity`.
    var microsecondsSince2000: Int64 {
        let (result, overflow) = microseconds.subtractingReportingOverflow(
            Self.microsecondsFrom1970To2000)
        return overflow ? .min + 1 : max(result, .min + 1)
    }

    /// From what PostgreSQL sent; `infinity` becomes the last time there is.
    init(microsecondsSince2000 number: Int64) {
        let (result, overflow) = number.addingReportingOverflow(Self.microsecondsFrom1970To2000)
        self.init(microseconds: overflow ? .max : result)
    }
}
