import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What the hot statements read, whatever the planner has been told of the tables.
///
/// Counted are the rows and the blocks that the nodes of a plan fetch from tables and indexes, those
/// included that a condition then drops. A statement that follows the batch stays below the limits;
/// one that follows the tables reads all of the history or of the backlog.
@Suite(.system(limit: .seconds(1800))) struct PlanTests {
    /// What the server knows of the tables when it plans.
    enum Knowledge: CaseIterable {
        /// Nobody has run ANALYZE.
        case none
        /// All came after an ANALYZE of empty tables.
        case ofEmptyTables
        /// The backlog came after the last ANALYZE, as it does before a burst.
        case ofHistory
        /// The tables as they are.
        case ofAll
        /// A backlog that has been run since.
        case ofBacklog
        /// ANALYZE is told to look at no column.
        case ofNoColumn
    }

    @Test(arguments: Knowledge.allCases)
    func `Hot statements read what their batch needs, whatever ANALYZE saw`(
        knowledge: Knowledge
    ) async throws {
        try await withStore { _, database in
            let scene = PlanScene()
            try await run(scene.fill(knowing: knowledge), in: database)
            try await check(scene, scene.statements, in: database, "\(knowledge)")
        }
    }

    @Test(arguments: [Knowledge.none, .ofHistory, .ofAll])
    func `A sweep reads a stretch of what it cannot claim, and nobody all that is not due`(
        knowledge: Knowledge
    ) async throws {
        try await withStore { _, database in
            let scene = PlanScene()
            try await run(scene.fill(knowing: knowledge) + scene.ahead, in: database)
            try await check(scene, scene.amongThose, in: database, "\(knowledge)")
        }
    }

    @Test(arguments: [Knowledge.none, .ofEmptyTables, .ofAll])
    func `Claims that ended while a snapshot is held are in nobody's way`(
        knowledge: Knowledge
    ) async throws {
        try await withStore { _, database in
            let scene = PlanScene()
            try await run(scene.fill(knowing: knowledge), in: database)
            var settings = try PostgresSettings(url: database.url).patient
            settings.idleInTransactionTimeout = .seconds(1800)
            let reader = Session(settings: settings, logger: quiet)
            try await reader.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM tasq.worker")
            try await run(scene.ended, in: database)
            try await check(scene, scene.besideEnded, in: database, "\(knowledge)")
            try await run("CREATE INDEX ON tasq.executing_job (worker_id)", in: database)
            try await check(scene, scene.besideEnded, in: database, "\(knowledge), indexed")
            // It has held the snapshot until now.
            try await reader.script("COMMIT")
            await reader.close()
        }
    }

    /// To those that walk the jobs of a queue in order, an index on the status looks as good as tasq's own
    /// as long as the statistics say that nobody waits.
    @Test(arguments: [Knowledge.none, .ofEmptyTables, .ofHistory, .ofAll, .ofNoColumn])
    func `Hot statements do not follow an index that somebody added`(
        knowledge: Knowledge
    ) async throws {
        try await withStore { _, database in
            let scene = PlanScene()
            try await run(
                """
                CREATE INDEX ON tasq.job (queue, status);
                CREATE INDEX ON tasq.job (status, run_at);
                CREATE INDEX ON tasq.job (kind, status, id);
                CREATE INDEX ON tasq.job (run_at);
                CREATE INDEX ON tasq.executing_job (worker_id);
                """ + scene.fill(knowing: knowledge), in: database)
            try await check(scene, scene.statements, in: database, "\(knowledge)")
        }
    }

    /// A session keeps its plans, and many begin while there is nothing to do.
    @Test(arguments: [false, true])
    func `A plan that was made while the tables were empty reads no more later`(
        isAnalyzed: Bool
    ) async throws {
        try await withStore { _, database in
            let scene = PlanScene()
            var script =
                "\(sessionSettings) SET plan_cache_mode = force_generic_plan; \(scene.stage)"
            if isAnalyzed { script += PlanScene.analyze }
            let statements = scene.statements.filter { !$0.statement.isPlannedAnew }
            for (place, hot) in statements.enumerated() {
                script += """
                    PREPARE p\(place) AS \(hot.statement.text);
                    EXPLAIN EXECUTE p\(place)(\(hot.arguments));

                    """
            }
            script += scene.history + scene.backlog + scene.rest
            for (place, hot) in statements.enumerated() { script += explanation(of: place, hot) }
            try judge(
                statements, try await run(script, in: database), scene,
                "kept, \(isAnalyzed ? "analyzed" : "not analyzed")")
        }
    }

    /// What tasq sets where a session is its own.
    private let sessionSettings = "SET enable_seqscan = off; SET jit = off;"

    /// Generic and custom plans, with tasq's settings and, as behind a pooler, without.
    private func check(
        _ scene: PlanScene, _ statements: [PlanScene.Hot], in database: TestDatabase, _ name: String
    ) async throws {
        for mode in ["generic", "custom"] {
            let statements =
                mode == "custom" ? statements : statements.filter { !$0.statement.isPlannedAnew }
            for settings in [sessionSettings, ""] {
                var script = settings + "SET plan_cache_mode = force_\(mode)_plan;\n"
                for (place, hot) in statements.enumerated() {
                    script += "PREPARE p\(place) AS \(hot.statement.text);\n"
                    script += explanation(of: place, hot)
                }
                try judge(
                    statements, try await run(script, in: database), scene,
                    "\(name), \(mode), \(settings.isEmpty ? "bare" : "set")")
            }
        }
    }

    /// With time enough for millions of rows.
    @discardableResult
    private func run(_ script: String, in database: TestDatabase) async throws -> String {
        try await database.server.execute(
            script, in: database.name, within: .seconds(900).onThisMachine)
    }

    private func explanation(of place: Int, _ hot: PlanScene.Hot) -> String {
        """
        \\echo =
        BEGIN;
        EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) EXECUTE p\(place)(\(hot.arguments));
        ROLLBACK;

        """
    }

    private func judge(
        _ statements: [PlanScene.Hot], _ output: String, _ scene: PlanScene, _ circumstances: String
    ) throws {
        let texts = output.split(separator: "=\n", omittingEmptySubsequences: false).dropFirst()
        try #require(texts.count == statements.count, "\(output.suffix(1000))")
        for (hot, text) in zip(statements, texts) {
            let explained = try JSONDecoder().decode(
                [ExplainedStatement].self, from: Data(text.utf8))
            let reads = try #require(explained.first).plan.reads
            // There are no more claims and workers than slots: these may be read all.
            let rows = reads.filter { !$0.of.hasPrefix("executing_job") && $0.of != "worker" }
                .map(\.rows).reduce(0, +)
            let blocks = reads.map(\.blocks).reduce(0, +)
            if ProcessInfo.processInfo.environment["TASQ_TEST_PLAN_ROWS"] != nil {
                print("PLAN", hot.name, Int(rows), blocks, circumstances)
            }
            #expect(
                rows <= Double(scene.mostRows + hot.counts)
                    && blocks <= scene.mostBlocks + hot.counts,
                "\(hot.name) (\(circumstances)): \(reads)")
        }
    }
}

private struct ExplainedStatement: Decodable {
    let plan: PlanNode

    enum CodingKeys: String, CodingKey { case plan = "Plan" }
}

/// A node of a plan that was run.
private struct PlanNode: Decodable {
    let type: String
    let relation: String?
    let index: String?
    let rows: Double
    let dropped: Double?
    let droppedAfterRecheck: Double?
    let loops: Double
    let hit: Int
    let read: Int
    let below: [PlanNode]?

    struct Read {
        let of: String
        let rows: Double
        let blocks: Int
    }

    /// What this node and those below it fetch from tables and indexes.
    var reads: [Read] {
        var all = (below ?? []).flatMap(\.reads)
        if let name = relation ?? index, type.contains("Scan") {
            let each = rows + (dropped ?? 0) + (droppedAfterRecheck ?? 0)
            let by = index.map { " by \($0)" } ?? ""
            all.append(
                Read(of: name + (relation == nil ? "" : by), rows: each * loops, blocks: hit + read)
            )
        }
        return all
    }

    enum CodingKeys: String, CodingKey {
        case type = "Node Type"
        case relation = "Relation Name"
        case index = "Index Name"
        case rows = "Actual Rows"
        case dropped = "Rows Removed by Filter"
        case droppedAfterRecheck = "Rows Removed by Index Recheck"
        case loops = "Actual Loops"
        case hit = "Shared Hit Blocks"
        case read = "Shared Read Blocks"
        case below = "Plans"
    }
}
