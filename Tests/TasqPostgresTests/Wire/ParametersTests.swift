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
            #expect(row.id(0) == id)
            #expect(row.id(1) == JobID(high: 1, low: .max))
            #expect(row.text(2) == "Grüße, 世界")
            #expect(row.int(3) == .min)
            #expect(row.bool(4))
            #expect(row.bytes(5) == [0, 255, 0])
            #expect(row.time(6) == time)
            #expect(row.text(7) == "")
            #expect(row.bytes(8) == [])
            #expect(row.text(9) == id.description)
            #expect(row.text(10).hasPrefix("2026-09-21"))
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
            #expect((0..<7).allSatisfy(row.isNull))
            #expect(row.optionalID(0, as: JobStatus.self) == nil)
            #expect(row.optionalText(2) == nil)
            #expect(row.optionalInt(3) == nil)
            #expect(row.optionalBool(4) == nil)
            #expect(row.optionalBytes(5) == nil)
            #expect(row.optionalTime(6) == nil)
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
            let row = try await session.query(
                """
                SELECT $1::uuid[]::text, $2::uuid[]::text, $3::text[]::text, $4::bigint[]::text,
                    $5::boolean[]::text, $6::bytea[]::text, $7::timestamptz[]::text, $3::text[]
                """, parameters)[0]
            #expect(row.text(0) == "{\(id)}")
            #expect(row.text(1) == "{\(id),NULL}")
            #expect(row.text(2) == #"{a,NULL,"","b,\"c"}"#)
            #expect(row.text(3) == "{9223372036854775807,NULL,-1}")
            #expect(row.text(4) == "{t,f}")
            #expect(row.text(5) == #"{"\\x0001","\\x"}"#)
            #expect(row.text(6) == #"{"1970-01-01 00:00:00+00",NULL}"#)
            #expect(row.texts(7) == ["a", "", "b,\"c"])
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
            let row = try await session.query(
                """
                SELECT cardinality($1::uuid[]), cardinality($2::text[]), cardinality($3::bigint[]),
                    cardinality($4::boolean[]), cardinality($5::bytea[]),
                    cardinality($6::timestamptz[]), $2::text[]
                """, parameters)[0]
            #expect((0..<6).map(row.int) == [0, 0, 0, 0, 0, 0])
            #expect(row.texts(6) == [])
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
            #expect(rows.allSatisfy { $0.bytes(0) == body && $0.bytes(1) == body })
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
            #expect((0..<3).map(row.int) == [-2, -3, 4])
            #expect(row.time(3) == Timestamp(microseconds: .max))
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
