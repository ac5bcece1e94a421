import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// The checkers on histories made by hand: a good one that all of them pass, and for each of them
/// bad ones that it must catch.
@Suite(.medium) struct CheckerTests {
    @Test func `A good history passes every checker`() async throws {
        let findings = try await findings("")
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test(arguments: BadHistory.all)
    func `A bad history is caught`(bad: BadHistory) async throws {
        let findings = try await findings(bad.change)
        #expect(
            findings.contains { $0.invariant == bad.invariant },
            "\(bad.invariant) did not see: \(bad.what); found \(findings.map(\.invariant))")
    }

    @Test(arguments: GoodHistory.all)
    func `A history that only looks bad passes`(good: GoodHistory) async throws {
        let findings = try await findings(good.change)
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func `Every checker has a history that comes close and passes`() {
        let passed = Set(GoodHistory.all.flatMap(\.invariants))
        #expect(Invariant.all.map(\.name).filter { !passed.contains($0) } == [])
    }

    @Test func `Every checker has a bad history that it catches`() {
        let proved = Set(BadHistory.all.map(\.invariant))
        #expect(Invariant.all.map(\.name).filter { !proved.contains($0) } == [])
    }

    @Test func `A line that is cut off is a finding, and those around it are read`() async throws {
        let evidence = try Evidence(named: "torn", in: nil)
        defer { evidence.remove() }
        let whole = #"{"t":1,"p":"w1","pid":7,"e":"born"}"#
        // The last line of the first log has no end: it must not swallow the next log's first.
        evidence.write(whole + "\n" + #"{"t":2,"p":"w1","e"#, to: "w1.jsonl")
        evidence.write(whole + "\n\n[1]\n" + whole + "\n", to: "w2.jsonl")
        for table in ["change", "job", "claim_left", "attempt", "tick"] {
            evidence.write("", to: table + ".csv")
        }
        let (findings, count) = try await scratch().withDatabase { history in
            try await history.load(evidence, [(name: "look_ms", value: 5000)])
            return (
                try await history.check(), try await history.run("SELECT count(*) FROM event")
            )
        }
        let torn = findings.first { $0.invariant == "I0" }?.examples.filter { $0.contains("read:") }
        let kept = ["[1]", #"{"t":2,"p":"w1","e"#].map { "log: not to be read: " + $0 }
        #expect(torn?.sorted() == kept)
        #expect(count == "3")
    }

    @Test func `A log goes on in a new line where its last writer died in the middle of one`()
        throws
    {
        let evidence = try Evidence(named: "log", in: nil)
        defer { evidence.remove() }
        let path = evidence.log(of: "w1")
        evidence.write(#"{"t":2,"p":"w1","e"#, to: "w1.jsonl")
        try EventLog(at: path, process: "w1").write(Event(kind: .phase, name: "load"))
        let log = try Data(contentsOf: URL(fileURLWithPath: path))
        let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.last?.contains(#""e":"phase""#) == true)
    }

    @Test func `Clocks that drift apart are no finding`() async throws {
        let drifting = """
            CREATE OR REPLACE FUNCTION at(ms float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
                $$ SELECT timestamptz '2026-01-01Z' + ms * 1.00015 * interval '1 millisecond' $$;

            """
        let findings = try await scratch().withDatabase { history in
            try await history.run(Story.words + drifting + Story.good)
            return try await history.check()
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func `A worker that stood still is found dead by a clock that was set meanwhile`()
        async throws
    {
        let set = """
            CREATE OR REPLACE FUNCTION at(ms float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
                $$ SELECT timestamptz '2026-01-01Z' + ms * interval '1 millisecond'
                    + CASE WHEN ms BETWEEN 10000 AND 15000 THEN 2 ELSE 0 END * interval '1 minute' $$;

            """
        let stood = """
            SELECT beat(8, 800, 'I', 9000), happened(14900, 'signalled', 800, 'STOP'),
                beat(8, 800, 'D', 17950);
            DELETE FROM cfg WHERE name = 'clock_is_true';

            """
        let findings = try await scratch().withDatabase { history in
            try await history.run(Story.words + set + Story.good + Self.closeLooks + stood)
            return try await history.check()
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func `A clock that is brought back slowly is no finding`() async throws {
        let slewing = """
            CREATE OR REPLACE FUNCTION at(ms float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
                $$ SELECT timestamptz '2026-01-01Z' + ms * 1.005 * interval '1 millisecond' $$;

            """
        let findings = try await scratch().withDatabase { history in
            try await history.run(Story.words + slewing + Story.good + Self.closeLooks)
            return try await history.check()
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    /// Looks that say to a millisecond how far the clocks are apart.
    private static let closeLooks = """
        UPDATE event SET x = x
            || jsonb_build_object('least_ns', t - 1000 * (x ->> 'clock_us')::bigint - 500000)
            || jsonb_build_object('most_ns', t - 1000 * (x ->> 'clock_us')::bigint + 500000)
        WHERE e = 'sample' AND name = 'postgres';

        """

    @Test func `An innocent whose workers the suite killed may be given up`() async throws {
        let given = """
            SELECT asked(300, 3000), entered(300, 3001), told(300, 3002, 300);
            SELECT beat(30 + g, 3000 + g, 'I', 3000 + g),
                claimed(300, 301 + g, 30 + g, 3100 + g * 1000),
                ran(300, 301 + g, 1 + g, 3000 + g, 3101 + g * 1000),
                happened(3110 + g * 1000, 'signalled', 3000 + g, 'KILL'),
                happened(3111 + g * 1000, 'exit', 3000 + g, 'signal 9'),
                beat(30 + g, 3000 + g, 'D', 3600 + g * 1000),
                let_go(300, 301 + g, 3601 + g * 1000,
                    CASE g WHEN 2 THEN 'error' ELSE 'queued' END, crashed => 1)
            FROM generate_series(0, 2) AS g ORDER BY g;

            """
        let findings = try await findings(given)
        #expect(findings.filter { $0.invariant == "I8" }.isEmpty, "\(findings)")
        let untouched = "DELETE FROM event WHERE e = 'signalled' AND pid = 3001;"
        let blamed = try await self.findings(given + untouched)
        #expect(blamed.contains { $0.invariant == "I8" })
    }

    @Test(
        "A claim that is given back or put off before its handler began counts for nothing",
        arguments: [
            "let_go(400, 401, 3150, 'queued', attempts => -1, by => 401)",
            """
            let_go(400, 401, 3150, 'scheduled', attempts => -1, by => 401, due => 3155),
                moved(400, 3156, 'queued', nextval('n'))
            """,
        ])
    func beforeTheHandler(ending: String) async throws {
        let given = """
            SELECT asked(400, 3000), entered(400, 3001), told(400, 3002, 400);
            SELECT claimed(400, 401, 1, 3003), \(ending);
            SELECT claimed(400, 402, 1, 3160), ran(400, 402, 1, 100, 3161, 3170),
                settled(400, 402, 3171);

            """
        let findings = try await findings(given)
        #expect(findings.isEmpty, "\(findings)")
        let begun = try await self.findings(given + "SELECT ran(400, 401, 1, 100, 3010, 3020);")
        #expect(begun.map(\.invariant) == ["I6"])
    }

    @Test func `What a fault cannot but cause is no finding where it is allowed`() async throws {
        let lost = "DELETE FROM job WHERE token = 'tok1'; DELETE FROM change WHERE job = u(1);"
        let strict = try await findings(lost)
        #expect(strict.contains { $0.invariant == "I1" })
        let allowed = lost + "INSERT INTO cfg VALUES ('lost_commits', 1);"
        let lagging = { (from: Int, to: Int) in
            "SELECT happened(\(from), 'standby.lagging', 1, NULL), "
                + "happened(\(to), 'standby.promoted', 1, NULL);"
        }
        let lenient = try await findings(allowed + lagging(1000, 1500))
        #expect(!lenient.contains { $0.invariant == "I1" || $0.invariant == "I7" })
        // What was acknowledged before the standby was cut off is with it, and what was after it
        // took over is its own.
        for (from, to) in [(1010, 1500), (500, 1000)] {
            let early = try await findings(allowed + lagging(from, to))
            #expect(early.contains { $0.invariant == "I1" })
        }
        let never = try await findings(allowed)
        #expect(never.contains { $0.invariant == "I1" })
    }

    @Test(arguments: SplitHistory.all)
    func `Of two primaries only what the old one alone had may go with it`(history: SplitHistory)
        async throws
    {
        let findings = try await findings(SplitHistory.split + history.change)
        #expect(findings.map(\.invariant) == history.invariants, "\(findings)")
    }

    @Test(arguments: ExcusedHistory.all)
    func `A fault excuses only what it cannot but cause`(history: ExcusedHistory) async throws {
        let excused = try await findings(history.change)
        #expect(excused.isEmpty, "\(excused)")
        let strict = try await findings(
            history.change + "DELETE FROM cfg WHERE name = '\(history.excuse.rawValue)';")
        #expect(strict.map(\.invariant) == [history.invariant])
    }

    @Test func `What a lagging standby cost is counted and named`() async throws {
        let (figures, tokens) = try await scratch().withDatabase { history in
            try await history.run(
                Story.words + Story.good
                    + """
                    DELETE FROM job WHERE token = 'tok1'; DELETE FROM change WHERE job = u(1);
                    INSERT INTO cfg VALUES ('lost_commits', 1);
                    SELECT happened(900, 'standby.lagging', 1, NULL),
                        happened(1600, 'standby.promoted', 1, NULL);
                    """)
            _ = try await history.check()
            return (try await history.figures(), try await history.lostWithPrimary())
        }
        let value = { (name: String) in figures.first { $0.name == name }?.value }
        #expect(value("acknowledged while the standby lagged") == 2)
        #expect(value("lost with the primary") == 1)
        #expect(tokens == ["tok1"])
    }

    @Test func `Figures tell how soon a dead worker's job ran again`() async throws {
        let figures = try await scratch().withDatabase { history in
            try await history.run(Story.words + Story.good)
            _ = try await history.check()
            return try await history.figures()
        }
        let value = { (name: String) in figures.first { $0.name == name }?.value }
        #expect(value("takeover max") == 3201)
        #expect(value("taken over") == 1)
        #expect(value("jobs acknowledged") == 10)
        #expect(value("runs repeated") == 4)
        #expect(value("registered anew") == 0)
        #expect(value("handed back") == 1)
        #expect(value("times killed") == 1)
        #expect(value("times stopped") == 0)
        #expect(value("last worker at work again") == 821)
        #expect(value("ended because nothing ran") == 0)
        #expect(value("ways in which processes died") == 2)
    }

    @Test func `A worker that takes nothing any more is seen beside those that do`() async throws {
        let figures = try await scratch().withDatabase { history in
            try await history.run(
                Story.words + Story.good
                    + """
                    SELECT beat(90, 900, 'I', 500), happened(9500, 'exit', 900, 'exit 70');
                    """)
            _ = try await history.check()
            return try await history.figures()
        }
        let value = { (name: String) in figures.first { $0.name == name }?.value ?? 0 }
        #expect(value("last worker at work again") > 1e9)
        #expect(value("ended because nothing ran") == 1)
    }

    @Test func `Figures tell how long handlers ran on whose claims were gone`() async throws {
        let figures = try await scratch().withDatabase { history in
            try await history.run(
                Story.words + Story.good
                    + """
                    SELECT asked(320, 1000), entered(320, 1001), told(320, 1002, 320);
                    SELECT beat(8, 800, 'I', 1000), claimed(320, 321, 8, 1003),
                        ran(320, 321, 1, 800, 1004, 5400, 'cancelled'),
                        happened(1100, 'signalled', 800, 'STOP'),
                        happened(5000, 'signalled', 800, 'CONT'),
                        beat(8, 800, 'D', 4200), let_go(320, 321, 4201, 'queued', crashed => 1);
                    """)
            _ = try await history.check()
            return try await history.figures()
        }
        #expect(figures.first { $0.name == "handlers ran on for" }?.value == 400)
    }

    @Test func `Figures tell how busy the busiest worker was while something was disturbed`()
        async throws
    {
        let figures = try await scratch().withDatabase { history in
            try await history.run(
                Story.words + Story.good
                    + """
                    INSERT INTO event (t, p, pid, e, name, x) VALUES
                        (1000e6, 'chaos', 100, 'sample', 'w1', '{"cpu_ms": 0}'),
                        (1800e6, 'chaos', 100, 'sample', 'w1', '{"cpu_ms": 700}'),
                        (1820e6, 'chaos', 100, 'sample', 'w1', '{"cpu_ms": 710}'),
                        (1800e6, 'chaos', 101, 'sample', 'serve', '{"cpu_ms": 0}'),
                        (1820e6, 'chaos', 101, 'sample', 'serve', '{"cpu_ms": 20}');
                    """)
            _ = try await history.check()
            return try await history.figures()
        }
        let busiest = figures.first { $0.name == "worker CPU during" }?.value
        #expect(busiest == 50)
    }

    @Test func `Runs beside a run of the same job, and those that were called off, are counted`()
        async throws
    {
        let figures = try await scratch().withDatabase { history in
            try await history.run(
                Story.words + Story.good
                    + """
                    SELECT ran(3, 39, 2, 100, 1750, 1760);
                    SELECT ran(1, 19, 2, 200, 1500, 1600, 'cancelled'),
                        ran(5, 59, 2, 200, 1500, 1600, 'cancelled');
                    SELECT beat(20, 100, 'I', 9500);
                    """)
            _ = try await history.check()
            return try await history.figures()
        }
        let value = { (name: String) in figures.first { $0.name == name }?.value }
        #expect(value("runs that overlap") == 1)
        #expect(value("runs cancelled") == 1)
        #expect(value("registered anew") == 1)
    }

    private func findings(_ change: String) async throws -> [Finding] {
        try await scratch().withDatabase { history in
            try await history.run(Story.words + Story.good + change)
            return try await history.check()
        }
    }

    /// On the server that all tests share.
    private func scratch() async throws -> Scratch {
        Scratch(server: try await TestServers.postgres())
    }
}
