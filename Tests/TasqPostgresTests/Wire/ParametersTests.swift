import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct ParametersTests {
    @Test func `Every type comes back as it went`() async throws {
        try await withSession { session, _ in
            let id = JobID()
            let time = Timestamp(microseconds: 1_790_000_000_123_456)
            var parameters = Parameters()
            parameters.append(id)
            parameters.append(uuid: (high: 1, low: .max))
            parameters.append("Grüße, 世界")
            parameters.append(Int64.min)
            parameters.append(true)
            parameters.append(bytes: [0, 255, 0])
            parameters.append(time)
            parameters.append("")
            parameters.append(bytes: [])
            let rows = try await session.query(
                """
                SELECT $1::uuid, $2::uuid, $3::text, $4::bigint, $5::boolean, $6::bytea,
                    $7::timestamptz, $8::text, $9::bytea, $1::uuid::text, $7::timestamptz::text
                """, parameters)
            let row = rows[0]
            #expect(try row.at(0, as: JobID.self) == id)
            #expect(try row.at(1, as: JobID.self) == JobID(high: 1, low: .max))
            #expect(try row.at(2, as: String.self) == "Grüße, 世界")
            #expect(try row.at(3, as: Int64.self) == .min)
            #expect(try row.at(4, as: Bool.self))
            #expect(try row.at(5, as: [UInt8].self) == [0, 255, 0])
            #expect(try row.at(6, as: Timestamp.self) == time)
            #expect(try row.at(7, as: String.self) == "")
            #expect(try row.at(8, as: [UInt8].self) == [])
            #expect(try row.at(9, as: String.self) == id.description)
            #expect(try row.at(10, as: String.self).hasPrefix("2026-09-21"))
        }
    }

    @Test func `NULL comes back as nothing`() async throws {
        try await withSession { session, _ in
            var parameters = Parameters()
            parameters.append(JobID?.none)
            parameters.append(uuid: nil)
            parameters.append(String?.none)
            parameters.append(Int64?.none)
            parameters.append(Bool?.none)
            parameters.append(bytes: nil)
            parameters.append(Timestamp?.none)
            let row = try await session.query(
                """
                SELECT $1::uuid, $2::uuid, $3::text, $4::bigint, $5::boolean, $6::bytea,
                    $7::timestamptz
                """, parameters)[0]
            for column in 0..<7 { #expect(try row.isNull(column)) }
            #expect(try row.at(0, as: JobID?.self) == nil)
            #expect(try row.at(2, as: String?.self) == nil)
            #expect(try row.at(3, as: Int64?.self) == nil)
            #expect(try row.at(4, as: Bool?.self) == nil)
            #expect(try row.at(5, as: [UInt8]?.self) == nil)
            #expect(try row.at(6, as: Timestamp?.self) == nil)
        }
    }

    @Test func `Arrays keep their order and their NULLs`() async throws {
        try await withSession { session, _ in
            let id = JobID()
            var parameters = Parameters()
            parameters.append([id])
            parameters.append([id, nil])
            parameters.append(["a", nil, "", "b,\"c"])
            parameters.append([Int64.max, nil, -1])
            parameters.append([true, false])
            parameters.append(bytesArray: [[0, 1], []])
            parameters.append([Timestamp(microseconds: 0), nil])
            var row = try await session.query(
                """
                SELECT $1::uuid[]::text, $2::uuid[]::text, $3::text[]::text, $4::bigint[]::text,
                    $5::boolean[]::text, $6::bytea[]::text, $7::timestamptz[]::text, $3::text[]
                """, parameters)[0]
            #expect(try row.text(0) == "{\(id)}")
            #expect(try row.text(1) == "{\(id),NULL}")
            #expect(try row.text(2) == #"{a,NULL,"","b,\"c"}"#)
            #expect(try row.text(3) == "{9223372036854775807,NULL,-1}")
            #expect(try row.text(4) == "{t,f}")
            #expect(try row.text(5) == #"{"\\x0001","\\x"}"#)
            #expect(try row.text(6) == #"{"1970-01-01 00:00:00+00",NULL}"#)
            row.skip(7)
            let texts = try row.texts()
            #expect(texts == ["a", "", "b,\"c"])
        }
    }

    @Test func `Empty arrays are empty, not NULL`() async throws {
        try await withSession { session, _ in
            var parameters = Parameters()
            parameters.append([JobID]())
            parameters.append([String?]())
            parameters.append([Int64?]())
            parameters.append([Bool]())
            parameters.append(bytesArray: [])
            parameters.append([Timestamp?]())
            var row = try await session.query(
                """
                SELECT cardinality($1::uuid[]), cardinality($2::text[]), cardinality($3::bigint[]),
                    cardinality($4::boolean[]), cardinality($5::bytea[]),
                    cardinality($6::timestamptz[]), $2::text[]
                """, parameters)[0]
            for column in 0..<6 { #expect(try row.int(column) == 0) }
            row.skip(6)
            let texts = try row.texts()
            #expect(texts == [])
        }
    }

    @Test func `A mebibyte of every byte comes back the same, alone and in an array`()
        async throws
    {
        try await withSession { session, _ in
            let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0) }
            var parameters = Parameters()
            parameters.append(bytes: body)
            parameters.append(bytesArray: [body, body])
            let rows = try await session.query(
                "SELECT $1::bytea, b FROM unnest($2::bytea[]) AS b", parameters)
            #expect(rows.count == 2)
            try rows.read { row throws(StoreError) in
                let (alone, element): ([UInt8], [UInt8]) = try (row.next(), row.next())
                #expect(alone == body)
                #expect(element == body)
            }
        }
    }

    @Test(arguments: [false, true])
    func `A NUL in text is refused, not cut`(pooled: Bool) async throws {
        try await withSession({ $0.assumesPooler = pooled }) { session, _ in
            var one = Parameters()
            one.append("before\0after")
            #expect(
                await failure { () throws(StoreError) in
                    try await session.query("SELECT $1::text", one)
                }?.word == "rejected 22021")
            var many = Parameters()
            many.append(["fine", "before\0after"])
            #expect(
                await failure { () throws(StoreError) in
                    try await session.query("SELECT $1::text[]", many)
                }?.word == "rejected 22021")
        }
    }

    @Test(arguments: [Int64.min, Int64.min + 1, -9_000_000_000_000_000_000])
    func `A time no calendar has is refused`(microseconds: Int64) async throws {
        try await withSession { session, _ in
            var parameters = Parameters()
            parameters.append(Timestamp(microseconds: microseconds))
            #expect(
                await failure { () throws(StoreError) in
                    try await session.query("SELECT $1::timestamptz", parameters)
                }?.word == "rejected 22008")
        }
    }

    @Test func `Integers of every width are read, and infinity is the last time there is`()
        async throws
    {
        try await withSession { session, _ in
            let row = try await session.query(
                "SELECT (-2)::smallint, (-3)::integer, 4::bigint, 'infinity'::timestamptz")[0]
            #expect(try row.int(0) == -2)
            #expect(try row.int(1) == -3)
            #expect(try row.int(2) == 4)
            #expect(try row.at(3, as: Timestamp.self) == Timestamp(microseconds: .max))
        }
    }

    @Test(arguments: [
        ("SELECT 'a'::text AS name", "column 1 (name): not a value of the type bigint"),
        ("SELECT now() AS at", "column 1 (at): not a value of the type bigint"),
        ("SELECT NULL::bigint AS n", "column 1 (n): NULL where there must be a value"),
        ("SELECT 1 AS n, 2 AS m", "column 2 (m): nobody reads it"),
        ("SELECT FROM generate_series(1, 1)", "column 1: there are 0"),
    ])
    func `A column that its reader does not expect is an error that names it`(
        sql: String, reason: String
    ) async throws {
        try await withSession { session, _ in
            let rows = try await session.query(sql)
            #expect(throws: StoreError.unreadable("statement \(sql), \(reason)")) {
                try rows.column(of: Int64.self)
            }
            // The session goes on, and so does the process.
            #expect(try await session.query("SELECT 1").column(of: Int64.self) == [1])
        }
    }

    @Test func `Rows touched are counted`() async throws {
        try await withSession { session, _ in
            try await session.script("CREATE TABLE t (n int)")
            let insert = try await session.query("INSERT INTO t SELECT generate_series(1, 7)")
            #expect(insert.affected == 7)
            #expect(insert.isEmpty)
            #expect(try await session.query("UPDATE t SET n = 0 WHERE n > 100").affected == 0)
        }
    }
}
