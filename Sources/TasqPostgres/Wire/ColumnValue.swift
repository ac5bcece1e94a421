package import Tasq

/// A Swift value that a column holds.
package protocol ColumnValue {
    static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self
}

/// NULL is `nil`.
extension Optional: ColumnValue where Wrapped: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        if try row.isNull(column) { return nil }
        return try Wrapped.read(row, column)
    }
}

extension Identifier: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        unsafe try row.value(column, .uuid) { bytes -> Self? in
            guard bytes.count == 16 else { return nil }
            return unsafe Identifier(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}

extension String: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        unsafe try row.value(column, .text) { bytes -> Self? in
            unsafe String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// A `smallint`, `integer` or `bigint`.
extension Int64: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        unsafe try row.value(column, .bigint) { bytes -> Self? in
            switch bytes.count {
            case 8: return unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            case 4: return unsafe Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 2: return unsafe Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            default: return nil
            }
        }
    }
}

extension Int: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        Int(try Int64.read(row, column))
    }
}

extension Bool: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        unsafe try row.value(column, .boolean) { bytes -> Self? in
            guard bytes.count == 1 else { return nil }
            return unsafe bytes[0] != 0
        }
    }
}

/// A `bytea`.
extension Array: ColumnValue where Element == UInt8 {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        unsafe try row.value(column, .bytea) { bytes -> Self? in unsafe Array(bytes) }
    }
}

extension Timestamp: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        let number = unsafe try row.value(column, .timestamptz) { bytes -> Int64? in
            guard bytes.count == 8 else { return nil }
            return unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        }
        return Timestamp(microsecondsSince2000: number)
    }
}

/// Microseconds, as in every column `…_us`.
extension Duration: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        .microseconds(try Int64.read(row, column))
    }
}

extension Name: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        Name(unchecked: try String.read(row, column))
    }
}

extension Priority: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        Priority(unchecked: try Int.read(row, column))
    }
}

/// One that only a newer program knows ends like an error here.
extension JobStatus: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        JobStatus(rawValue: try String.read(row, column)) ?? .error
    }
}

/// Likewise.
extension AttemptOutcome: ColumnValue {
    package static func read(_ row: Row, _ column: Int) throws(StoreError) -> Self {
        AttemptOutcome(rawValue: try String.read(row, column)) ?? .error
    }
}

extension Row {
    /// A job's id, queue and priority, which stand next to each other.
    mutating func announcement() throws(StoreError) -> Announcement {
        try Announcement(id: next(), queue: next(), priority: next())
    }

    /// The elements of a `text[]` of one dimension, NULLs left out; none for NULL.
    package mutating func texts() throws(StoreError) -> [String] {
        if try isNextNull() {
            skip()
            return []
        }
        let array = unsafe try value(column, .textArray) { bytes -> [UInt8]? in
            unsafe Array(bytes)
        }
        skip()
        var reader = BigEndianReader(bytes: array[...])
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
