import Foundation
import Testing

/// A floor says something only while its statements are those the worker runs.
struct FloorTests {
    @Test(arguments: ["claim_settle.sql", "insert_claim_settle.sql"])
    func `A floor claims and settles with the worker's own statements`(floor: String) throws {
        let script = try statement("Sources/TasqCLI/Bench/Floors/" + floor)
        let sweep = try statement("Sources/TasqPostgres/SQL/sweep.sql")
            .replacing("$1::uuid", with: ":worker::uuid")
            .replacing("$2::text[]", with: "'{default}'::text[]")
            .replacing("$3::bigint", with: ":batch::bigint")
            .replacing("$4::bigint", with: "2000::bigint")
            .replacing("$5::bigint[]", with: "'{}'::bigint[]")
            .replacing("$6::timestamptz[]", with: "'{}'::timestamptz[]")
            .replacing("$7::uuid[]", with: "'{}'::uuid[]")
        let answer = try #require(sweep.range(of: " SELECT m.id, m.claim"))
        #expect(script.contains(sweep[..<answer.lowerBound]))
        #expect(script.contains(sweep[answer.lowerBound...]))
        let settle = try statement("Sources/TasqPostgres/SQL/settle.sql")
            .replacing(
                "unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])",
                with: """
                    unnest( :jobs::uuid[], :claims::uuid[], ARRAY['success'], \
                    '{}'::bigint[], '{}'::text[])
                    """
            )
            .replacing("($3::text[])[1]", with: "(ARRAY['success'])[1]")
            .replacing("$1::uuid[]", with: ":jobs::uuid[]")
        #expect(script.contains(settle))
    }

    /// A file's text without comments, and with one space for any white space.
    private func statement(_ path: String) throws -> String {
        try String(contentsOfFile: packageRoot + "/" + path, encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("--") }
            .flatMap { $0.split(separator: " ") }.joined(separator: " ")
    }
}
