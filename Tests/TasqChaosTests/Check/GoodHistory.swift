import Testing

/// A change of the good story that comes close to what an invariant forbids, and is all right.
struct GoodHistory: Sendable, CustomTestStringConvertible {
    /// Those that look at it.
    let invariants: [String]
    let what: String
    /// Run after the good story.
    let change: String

    var testDescription: String { "\(invariants.joined(separator: ", ")): \(what)" }

    private init(_ invariants: String..., what: String, _ change: String) {
        self.invariants = invariants
        self.what = what
        self.change = change
    }

    static let all = ofRuns + ofRows + ofLooks

    /// What handlers and their workers did.
    private static let ofRuns: [GoodHistory] = [
        GoodHistory(
            "I1", "I8", what: "given up after three workers were killed, before any handler began",
            """
            SELECT asked(310, 3000), entered(310, 3001), told(310, 3002, 310);
            SELECT beat(30 + g, 3000 + g, 'I', 3000 + g),
                claimed(310, 311 + g, 30 + g, 3100 + g * 1000),
                happened(3110 + g * 1000, 'signalled', 3000 + g, 'KILL'),
                happened(3111 + g * 1000, 'exit', 3000 + g, 'signal 9'),
                beat(30 + g, 3000 + g, 'D', 3600 + g * 1000),
                let_go(310, 311 + g, 3601 + g * 1000,
                    CASE g WHEN 2 THEN 'error' ELSE 'queued' END, crashed => 1)
            FROM generate_series(0, 2) AS g ORDER BY g;
            """),
        GoodHistory(
            "I2", what: "a run that began before its client was told of the job",
            "UPDATE event SET t = 1060e6 WHERE e = 'acknowledged' AND token = 'tok1'"),
        GoodHistory(
            "I3", "I3b", what: "a worker stands still for a lease, and its run outlives the claim",
            """
            SELECT asked(320, 1000), entered(320, 1001), told(320, 1002, 320);
            SELECT beat(8, 800, 'I', 1000), claimed(320, 321, 8, 1003),
                ran(320, 321, 1, 800, 1004, 8000), happened(1100, 'signalled', 800, 'STOP'),
                beat(8, 800, 'D', 4200), let_go(320, 321, 4201, 'queued', crashed => 1);
            SELECT claimed(320, 322, 1, 4210), ran(320, 322, 2, 100, 4211, 4220),
                settled(320, 322, 4221);
            """),
        GoodHistory(
            "I3", "I21", what: "a handler behind http ends after its worker handed the job back",
            """
            SELECT asked(330, 2000), entered(330, 2001), told(330, 2002, 330);
            SELECT beat(9, 950, 'I', 1900), claimed(330, 331, 9, 2003),
                ran(330, 331, 1, 950, 2004, 2700), happened(2500, 'signalled', 950, 'TERM'),
                let_go(330, 331, 2610, 'queued', attempts => -1, handed => 1),
                beat(9, 950, 'D', 2620), happened(2630, 'exit', 950, 'exit 0');
            UPDATE event SET p = 'endpoint', pid = 1 WHERE claim = u(331);
            SELECT claimed(330, 332, 1, 2640), ran(330, 332, 1, 100, 2641, 2650),
                settled(330, 332, 2651);
            """),
        GoodHistory(
            "I4", "I5", "I14", what: "an error that somebody retries, and that succeeds",
            """
            INSERT INTO cfg VALUES ('retries', 1);
            SELECT asked(340, 3000), entered(340, 3001), told(340, 3002, 340);
            SELECT claimed(340, 341, 1, 3003), ran(340, 341, 1, 100, 3004, 3010, 'failed'),
                settled(340, 341, 3011, 'error');
            SELECT moved(340, 3500, 'queued', nextval('n'));
            SELECT claimed(340, 342, 1, 3510), ran(340, 342, 2, 100, 3511, 3520),
                settled(340, 342, 3521);
            """),
        GoodHistory(
            "I6", what: "as many runs as there are attempts",
            "UPDATE job SET max_attempts = 2 WHERE token = 'tok2'"),
        GoodHistory(
            "I7", what: "a run that began in the moment of its claim's commit",
            """
            UPDATE change SET committed = at(1005)
            WHERE tbl = 'claim' AND op = 'I' AND claim = u(11)
            """),
        GoodHistory(
            "I15", what: "tried again as soon and as late as the jitter allows",
            """
            UPDATE change SET run_at = at(1171) WHERE job = u(2) AND status = 'scheduled';
            UPDATE change SET run_at = at(6351) WHERE job = u(9) AND status = 'scheduled'
            """),
        GoodHistory(
            "I21", what: "asked again, and gone in a moment",
            """
            SELECT happened(2620, 'signalled', 300, 'TERM');
            UPDATE event SET out = 'exit 143' WHERE e = 'exit' AND pid = 300
            """),
    ]

    /// What stood in the tables, and what clients were told of it.
    private static let ofRows: [GoodHistory] = [
        GoodHistory(
            "I0", what: "a worker that claims nothing and logs no run",
            "SELECT beat(91, 910, 'I', 100)"),
        GoodHistory(
            "I11", what: "claimed in the second of the pause, and after it ended",
            """
            INSERT INTO change (n, xid, at, tbl, op, queue, paused)
            VALUES (0, 0, at(500), 'queue', 'I', 'default', TRUE);
            INSERT INTO change (n, xid, at, tbl, op, queue, paused)
            SELECT c.n, 0, at(1004), 'queue', 'U', 'default', FALSE
            FROM change AS c WHERE c.tbl = 'claim' AND c.op = 'I' AND c.claim = u(11);
            UPDATE change SET queues = '{default}' WHERE tbl = 'worker' AND worker = u(1)
            """),
        GoodHistory(
            "I12", what: "started nearly in the order in which they came",
            "INSERT INTO cfg VALUES ('ordered', 1), ('displacement', 3)"),
        GoodHistory(
            "I13", what: "one request is refused and one never answered, and neither is stored",
            """
            SELECT asked(360, 3000), asked(361, 3000);
            INSERT INTO event (t, p, e, token) VALUES (3001e6, 'chaos', 'refused', 'tok360')
            """),
        GoodHistory(
            "I16", what: "a unique key serves again once its job has come to its end",
            """
            SELECT asked(370, 6500, key => 'k'), entered(370, 6501, key => 'k'),
                told(370, 6502, 370, 'k');
            SELECT claimed(370, 371, 1, 6503), ran(370, 371, 1, 100, 6504, 6510),
                settled(370, 371, 6511)
            """),
        GoodHistory(
            "I17", what: "another schedule has a tick at the same time",
            """
            SELECT entered(504, 5001, 'tick'), claimed(504, 514, 1, 5003),
                ran(504, 514, 1, 100, 5004, 5005), settled(504, 514, 5006);
            INSERT INTO tick VALUES ('other', at(5000), u(504))
            """),
        GoodHistory(
            "I18", what: "one is called off while it runs, and one too late",
            """
            SELECT asked(380, 2000), entered(380, 2001), told(380, 2002, 380);
            SELECT claimed(380, 381, 1, 2003), let_go(380, 381, 2105, 'cancelled'),
                ran(380, 381, 1, 100, 2004, 2200, 'cancelled');
            INSERT INTO event (t, p, e, token, job) VALUES
                (2106e6, 'chaos', 'cancel.done', 'tok380', u(380)),
                (2106e6, 'chaos', 'cancel.late', 'tok1', u(1))
            """),
        GoodHistory(
            "I22", what: "acknowledged in the moment of its commit",
            "UPDATE change SET committed = at(1004) WHERE tbl = 'job' AND op = 'I' AND job = u(1)"),
        GoodHistory(
            "I23", what: "not found, for it went with a primary whose standby lagged",
            """
            INSERT INTO cfg VALUES ('lost_commits', 1);
            SELECT happened(900, 'standby.lagging', 1, NULL),
                happened(1500, 'standby.promoted', 1, NULL);
            DELETE FROM job WHERE token = 'tok1';
            DELETE FROM change WHERE job = u(1);
            UPDATE event SET e = 'missing' WHERE e = 'found';
            INSERT INTO event (t, p, e, token) VALUES (1300e6, 'chaos', 'found', 'tok2')
            """),
        GoodHistory(
            "I26", what: "an attempt that gave no reason",
            "INSERT INTO attempt VALUES (u(2), u(21), 1, 'retry', NULL)"),
    ]

    /// What the looks at the servers saw.
    private static let ofLooks: [GoodHistory] = [
        GoodHistory(
            "I0b", what: "nobody looked for as long as may be",
            """
            DELETE FROM event WHERE e = 'sample' AND name = 'postgres'
                AND t BETWEEN 5001e6 AND 6999e6
            """),
        GoodHistory(
            "I9", what: "a claim without a worker until that can be noticed",
            """
            DELETE FROM event WHERE e = 'sample' AND name = 'postgres'
                AND t BETWEEN 10000e6 AND 15000e6;
            SELECT looked(g, orphans => 1) FROM generate_series(10000, 15000, 250) AS g
            """),
        GoodHistory(
            "I10", what: "a backlog is worked off beside slots that are free for a moment",
            """
            DELETE FROM event WHERE e = 'sample' AND name = 'postgres'
                AND t BETWEEN 12000e6 AND 13000e6;
            SELECT looked(g, oldest => 4000, due => 500)
            FROM generate_series(12000, 13000, 250) AS g;
            SELECT asked(350, 12000), entered(350, 12001), told(350, 12002, 350);
            SELECT claimed(350, 351, 1, 12500), ran(350, 351, 1, 100, 12501, 12510),
                settled(350, 351, 12511)
            """),
        GoodHistory(
            "I20", what: "as many connections and ids on the lists as may be",
            """
            SELECT looked(29000, connections => 50);
            INSERT INTO event (t, p, e, name, x)
            VALUES (20000e6, 'chaos', 'sample', 'redis', '{"listed": 100}')
            """),
        GoodHistory(
            "I24", what: "one of two hundred beats is late",
            """
            SELECT beat(92, 920, 'I', 0);
            SELECT beat(92, 920, 'U', g) FROM generate_series(100, 20000, 100) AS g;
            SELECT beat(92, 920, 'U', 21500)
            """),
    ]
}
