import CPostgres
package import Tasq

/// The answer to a statement: rows of binary columns, and how many rows it touched.
///
/// It owns libpq's result, which nobody changes once it is complete, so any thread may read it.
@safe
package final class Rows: @unchecked Sendable, RandomAccessCollection {
    private let result: OpaquePointer
    package let count: Int
    private let columns: Int

    /// Takes over `result`, which must be complete and belong to nobody else.
    init(taking result: OpaquePointer) {
        unsafe self.result = result
        unsafe count = Int(PQntuples(result))
        unsafe columns = Int(PQnfields(result))
    }

    deinit {
        unsafe PQclear(result)
    }

    /// How many rows the statement inserted, updated, deleted or selected.
    package var affected: Int {
        unsafe Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(row: Int) -> Row {
        precondition(row >= 0 && row < count, "row \(row) of \(count)")
        return Row(rows: self, index: row)
    }

    /// Lends the bytes of a column; `nil` for NULL.
    func withBytes<Result>(
        row: Int, column: Int, _ read: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        precondition(column >= 0 && column < columns, "column \(column) of \(columns)")
        let (row, column) = (Int32(row), Int32(column))
        guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
        return unsafe read(
            UnsafeRawBufferPointer(
                start: PQgetvalue(result, row, column),
                count: Int(PQgetlength(result, row, column))))
    }
}

/// One row of an answer, read by column number from 0.
///
/// A statement and its reader belong together: a column of another type, or NULL where the reader
/// says there is none, is a mistake in this program and stops it. Reading is not a cast.
package struct Row: Sendable {
    let rows: Rows
    let index: Int

    package func isNull(_ column: Int) -> Bool {
        unsafe rows.withBytes(row: index, column: column) { _ in true } == nil
    }

    package func id<Noun>(_ column: Int, as: Noun.Type = Noun.self) -> Identifier<Noun> {
        require(optionalID(column), column)
    }

    package func optionalID<Noun>(
        _ column: Int, as: Noun.Type = Noun.self
    ) -> Identifier<Noun>? {
        unsafe read(column) { bytes in
            precondition(bytes.count == 16, "column \(column) is not a uuid")
            return unsafe Identifier(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    package func text(_ column: Int) -> String {
        require(optionalText(column), column)
    }

    package func optionalText(_ column: Int) -> String? {
        unsafe read(column) { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// A `smallint`, `integer` or `bigint`.
    package func int(_ column: Int) -> Int64 {
        require(optionalInt(column), column)
    }

    package func optionalInt(_ column: Int) -> Int64? {
        unsafe read(column) { bytes in
            switch bytes.count {
            case 8: unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            case 4: unsafe Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 2: unsafe Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            default: preconditionFailure("column \(column) is not an integer")
            }
        }
    }

    package func bool(_ column: Int) -> Bool {
        require(optionalBool(column), column)
    }

    package func optionalBool(_ column: Int) -> Bool? {
        unsafe read(column) { bytes in
            precondition(bytes.count == 1, "column \(column) is not a boolean")
            return unsafe bytes[0] != 0
        }
    }

    package func bytes(_ column: Int) -> [UInt8] {
        require(optionalBytes(column), column)
    }

    package func optionalBytes(_ column: Int) -> [UInt8]? {
        unsafe read(column) { unsafe Array($0) }
    }

    package func time(_ column: Int) -> Timestamp {
        require(optionalTime(column), column)
    }

    package func optionalTime(_ column: Int) -> Timestamp? {
        optionalInt(column).map(Timestamp.init(microsecondsSince2000:))
    }

    /// The elements of a `text[]` of one dimension, NULLs left out.
    package func texts(_ column: Int) -> [String] {
        let value = bytes(column)
        var reader = BigEndianReader(bytes: value[...])
        guard let dimensions = reader.int32(), dimensions == 1, reader.int32() != nil,
            reader.int32() == Int32(TypeID.text.rawValue), let length = reader.int32(),
            reader.int32() != nil
        else { return [] }
        var texts: [String] = []
        for _ in 0..<max(0, length) {
            guard let size = reader.int32() else { break }
            guard size >= 0 else { continue }
            guard let element = reader.take(Int(size)) else { break }
            texts.append(String(decoding: element, as: UTF8.self))
        }
        return texts
    }

    private func read<Value>(
        _ column: Int, _ read: (UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        unsafe rows.withBytes(row: index, column: column, read)
    }

    private func require<Value>(_ value: Value?, _ column: Int) -> Value {
        guard let value else { preconditionFailure("column \(column) is NULL") }
        return value
    }
}

/// Reads 32-bit numbers and runs of bytes from the front.
private struct BigEndianReader {
    var bytes: ArraySlice<UInt8>

    mutating func int32() -> Int32? {
        guard let four = take(4) else { return nil }
        return Int32(bitPattern: four.reduce(0) { $0 << 8 | UInt32($1) })
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}
