import CPostgres
package import Tasq

/// The answer to a statement: rows of columns, and how many rows it touched.
///
/// It owns libpq's result, which nobody changes once it is complete, so any thread may read it.
@safe
package final class Rows: @unchecked Sendable, RandomAccessCollection {
    private let result: OpaquePointer
    package let count: Int
    fileprivate let columns: Int
    /// The statement's name, for whoever reads of a mistake.
    fileprivate let statement: String

    /// Takes over `result`, which must be complete and belong to nobody else.
    init(taking result: OpaquePointer, of statement: String) {
        unsafe self.result = result
        unsafe count = Int(PQntuples(result))
        unsafe columns = Int(PQnfields(result))
        self.statement = statement
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

    /// Reads every row, each to its last column.
    @discardableResult
    package func read<Value>(
        _ reader: (inout Row) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count {
            var row = Row(rows: self, index: index)
            values.append(try reader(&row))
            try row.requireEnd()
        }
        return values
    }

    /// The values of the one column there is.
    package func column<Value: ColumnValue>(
        of type: Value.Type = Value.self
    ) throws(StoreError) -> [Value] {
        try read { row throws(StoreError) in try row.next(type) }
    }

    /// Lends the bytes of a column that there is; `nil` for NULL.
    fileprivate func withBytes<Result>(
        row: Int, column: Int, _ read: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        let (row, column) = (Int32(row), Int32(column))
        guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
        return unsafe read(
            UnsafeRawBufferPointer(
                start: PQgetvalue(result, row, column),
                count: Int(PQgetlength(result, row, column))))
    }

    /// Whether a column that there is comes in a type that is read as this one. What comes as text,
    /// from a script, is read as text alone.
    fileprivate func holds(_ type: TypeID, in column: Int) -> Bool {
        let column = Int32(column)
        let found = unsafe PQftype(result, column)
        guard unsafe PQfformat(result, column) == 1 else { return type == .text }
        switch type {
        // `smallint` and `integer`.
        case .bigint: return found == type.rawValue || found == 21 || found == 23
        // `name`, `varchar`, and enumerations, whose numbers are their database's own.
        case .text: return found == type.rawValue || found == 19 || found == 1043 || found >= 16_384
        default: return found == type.rawValue
        }
    }

    /// What a column is called, where it has a name.
    fileprivate func title(of column: Int) -> String {
        guard let title = unsafe PQfname(result, Int32(column)) else { return "none" }
        return unsafe String(cString: title)
    }
}

/// One row of an answer, read column by column, or by a column's number from 0.
///
/// A statement and its reader belong together: a column of another type, or NULL where the reader
/// says there is none, or one more or fewer, is a mistake in this program or in the schema. It is
/// thrown as `StoreError.unreadable(_:)` with the names of the statement and the column.
/// Reading is not a cast.
package struct Row: Sendable {
    fileprivate let rows: Rows
    fileprivate let index: Int
    /// The column that is read next.
    private(set) var column = 0

    fileprivate init(rows: Rows, index: Int) {
        self.rows = rows
        self.index = index
    }

    /// Reads the next column.
    package mutating func next<Value: ColumnValue>(
        _ type: Value.Type = Value.self
    ) throws(StoreError) -> Value {
        let value = try Value.read(self, column)
        column += 1
        return value
    }

    /// Whether the next column is NULL; it stays the next one.
    package func isNextNull() throws(StoreError) -> Bool {
        try isNull(column)
    }

    /// Leaves out some columns.
    package mutating func skip(_ columns: Int = 1) {
        column += columns
    }

    /// Leaves out all that come.
    package mutating func skipRest() {
        column = rows.columns
    }

    /// Reads one column, wherever the next one is.
    package func at<Value: ColumnValue>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value {
        try Value.read(self, column)
    }

    package func isNull(_ column: Int) throws(StoreError) -> Bool {
        try require(column)
        return unsafe rows.withBytes(row: index, column: column) { _ in true } == nil
    }

    fileprivate func requireEnd() throws(StoreError) {
        if column < rows.columns { throw mistake(column, "nobody reads it") }
    }

    private func require(_ column: Int) throws(StoreError) {
        guard column >= 0, column < rows.columns else {
            throw mistake(column, "there are \(rows.columns)")
        }
    }

    private func mistake(_ column: Int, _ what: String) -> StoreError {
        let title = column >= 0 && column < rows.columns ? " (\(rows.title(of: column)))" : ""
        return .unreadable("statement \(rows.statement), column \(column + 1)\(title): \(what)")
    }

    /// The type is looked at in the first row alone: it is that of all.
    func value<Value>(
        _ column: Int, _ type: TypeID, _ read: (UnsafeRawBufferPointer) -> Value?
    ) throws(StoreError) -> Value {
        try require(column)
        guard let found = unsafe rows.withBytes(row: index, column: column, read) else {
            throw mistake(column, "NULL where there must be a value")
        }
        guard let value = found, index > 0 || rows.holds(type, in: column) else {
            throw mistake(column, "not a value of the type \(type)")
        }
        return value
    }
}
