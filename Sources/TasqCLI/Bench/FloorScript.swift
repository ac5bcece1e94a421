import Tasq
import TasqPostgres

/// The scripts of the floors for pgbench, with the worker's own statements in place.
enum FloorScript {
    /// A script's text for a schema; the files say `tasq.`.
    static func text(_ script: String, in schema: String) throws -> String {
        let own = Statements(schema: schema)
        let sweep = bind(
            own.sweep,
            [
                "$1::uuid": ":worker::uuid", "$2::text[]": "'{default}'::text[]",
                "$3::bigint": ":batch::bigint", "$4::bigint": "2000::bigint",
                "$5::bigint[]": "'{}'::bigint[]", "$6::timestamptz[]": "'{}'::timestamptz[]",
                "$7::uuid[]": "'{}'::uuid[]",
            ])
        let settle = bind(
            own.settle,
            [
                "$1::uuid[]": ":jobs::uuid[]", "$2::uuid[]": ":claims::uuid[]",
                "$3::text[]": "ARRAY['success']", "$4::bigint[]": "'{}'::bigint[]",
                "$5::text[]": "'{}'::text[]",
            ])
        guard let answer = sweep.firstRange(of: "SELECT\n    m.id, m.claim") else {
            throw Failure(.internal, "the floors do not know the answer of sweep.sql any more")
        }
        let statements = [
            "swept": String(sweep[..<answer.lowerBound]),
            "sweep_answer": String(sweep[answer.lowerBound...]), "settle": settle,
        ]
        let parts = SQLParts { name in
            if let statement = statements[name] { return statement }
            let file = EmbeddedFile.find("TasqCLI/Bench/Floors/\(name).sql")
            return file?.replacing("tasq.", with: schema + ".")
        }
        return parts.assembled("@" + script)
    }

    /// A statement's text with values in place of its parameters and their casts.
    private static func bind(
        _ statement: Statement, _ values: KeyValuePairs<String, String>
    ) -> String {
        values.reduce(statement.text) { $0.replacing($1.key, with: $1.value) }
    }
}
