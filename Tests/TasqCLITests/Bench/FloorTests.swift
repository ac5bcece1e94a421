import TasqPostgres
import Testing

@testable import TasqCLI

/// A floor says something only while its statements are those the worker runs.
struct FloorTests {
    @Test(arguments: [false, true])
    func `A floor claims and settles with the worker's own statements`(inserts: Bool) throws {
        let script = words(
            try FloorScript.text(
                inserts ? "insert_claim_settle" : "claim_settle", in: "elsewhere"))
        for rest in ["@", "$", "tasq."] { #expect(!script.contains(rest)) }
        #expect(script.split(separator: "\\gset").count == 2)
        #expect(script.contains("INSERT INTO elsewhere.payload") == inserts)

        let own = Statements(schema: "elsewhere")
        let sweep = words(own.sweep.text)
            .replacing("$1::uuid", with: ":worker::uuid")
            .replacing("$2::text[]", with: "'{default}'::text[]")
            .replacing("$3::bigint", with: ":batch::bigint")
            .replacing("$4::bigint", with: "2000::bigint")
            .replacing("$5::bigint[]", with: "'{}'::bigint[]")
            .replacing("$6::timestamptz[]", with: "'{}'::timestamptz[]")
            .replacing("$7::uuid[]", with: "'{}'::uuid[]")
        let answer = try #require(sweep.firstRange(of: " SELECT m.id, m.claim"))
        #expect(script.contains(sweep[..<answer.lowerBound]))
        #expect(script.contains(sweep[answer.lowerBound...]))
        let settle = words(own.settle.text)
            .replacing("$3::text[]", with: "ARRAY['success']")
            .replacing("$1::uuid[]", with: ":jobs::uuid[]")
            .replacing("$2::uuid[]", with: ":claims::uuid[]")
            .replacing("$4::bigint[]", with: "'{}'::bigint[]")
            .replacing("$5::text[]", with: "'{}'::text[]")
        #expect(script.contains(settle))
    }

    /// A text without comments, and with one space for any white space.
    private func words(_ text: String) -> String {
        text.split(separator: "\n").filter { !$0.hasPrefix("--") }
            .flatMap { $0.split(separator: " ") }.joined(separator: " ")
    }
}
