import Tasq
import Testing

@testable import TasqPostgres

struct SQLPartsTests {
    private static let texts = [
        "due": "-- Says when.\n--   @job  a row\n@job.run_at <= now()\nAND @job.crashes @crashes\n",
        "both": "@due(job: j, crashes: < 2)\nAND j.queue = @queue\n",
        "named": "(@both(queue: @text))",
        "circle": "a @circle b",
        "one": "@other",
        "other": "@one",
    ]
    private let parts = SQLParts { Self.texts[$0] }

    @Test func `A part stands where its name does, as far to the right, with what it is given`() {
        #expect(
            parts.assembled("-- A job.\nSELECT 1\n  WHERE @due(job: j, crashes: > 1) AND x\n")
                == "-- A job.\nSELECT 1\n  WHERE j.run_at <= now()\n  AND j.crashes > 1 AND x\n")
    }

    @Test func `Parts stand in parts, and hand on what they are given`() {
        #expect(
            parts.assembled("@named(text: $1::text)")
                == "(j.run_at <= now()\nAND j.crashes < 2\nAND j.queue = $1::text)")
    }

    @Test(arguments: [
        ("SELECT @nothing", "SELECT @nothing"), ("@circle", "a @circle b"), ("@one", "@one"),
        ("@due(job: j)", "j.run_at <= now()\nAND j.crashes @crashes"),
        ("@due(jbo: j, crashes: < 2)", "@job.run_at <= now()\nAND @job.crashes < 2"),
        ("@due", "@job.run_at <= now()\nAND @job.crashes @crashes"), ("a @", "a @"),
    ])
    func `A part that is unknown, lacks a value or is within itself is left for the server`(
        text: String, assembled: String
    ) {
        #expect(parts.assembled(text) == assembled)
    }

    @Test func `A parameter with a name comes behind those with numbers, in the options' order`() {
        let text = "$2::text, $key::text[], $queue::text, $1::text"
        #expect(JobOption.numbered(text) == "$2::text, $6::text[], $3::text, $1::text")
        #expect(JobOption.numbered("$queue::text") == "$1::text")
        #expect(JobOption.numbered("$1::text") == "$1::text")
    }

    @Test func `Every statement and migration has all of its parts`() {
        for statement in Statements(schema: "tasq").all {
            #expect(!statement.text.contains("@"), "\(statement.name)")
            #expect(statement.text.firstRange(of: /\$[a-z]/) == nil, "\(statement.name)")
        }
        for migration in Migration.all(schema: "tasq") {
            #expect(!migration.text.contains("@"), "\(migration.label)")
        }
    }
}
