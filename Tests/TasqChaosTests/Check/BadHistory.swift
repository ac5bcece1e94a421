import Testing

/// A change of the good story that breaks one invariant.
struct BadHistory: Sendable, CustomTestStringConvertible {
    let invariant: String
    let what: String
    /// Run after the good story.
    let change: String

    var testDescription: String { "\(invariant): \(what)" }

    private init(_ invariant: String, _ what: String, _ change: String) {
        self.invariant = invariant
        self.what = what
        self.change = change
    }

    static let all: [BadHistory] = [
        BadHistory(
            "I0", "nobody looked at PostgreSQL",
            "DELETE FROM event WHERE e = 'sample' AND name = 'postgres'"),
        BadHistory(
            "I0", "nobody looked at Redis",
            "DELETE FROM event WHERE e = 'sample' AND name = 'redis'"),
        BadHistory(
            "I0b", "for a while nobody looked",
            "DELETE FROM event WHERE e = 'sample' AND name = 'postgres' AND t BETWEEN 5e9 AND 8e9"),
        BadHistory(
            "I0b", "nobody looked again after a fault",
            """
            DELETE FROM event WHERE e = 'sample' AND name = 'postgres' AND t > 5e9;
            SELECT happened(5000, 'fault.start', 1, NULL, 'storm')
            """),
        BadHistory("I0", "nobody noted the phases", "DELETE FROM event WHERE e = 'phase'"),
        BadHistory("I0", "a line is torn", #"INSERT INTO torn VALUES ('{"t":12,"p":"w')"#),
        BadHistory(
            "I0", "an end that the record does not have",
            """
            DELETE FROM change
            WHERE tbl = 'job' AND op = 'U' AND status = 'success' AND job = u(1)
            """),
        BadHistory(
            "I0", "a worker that settles and logs no run",
            "DELETE FROM event WHERE e IN ('start', 'end') AND pid = 100"),
        BadHistory(
            "I0", "fewer jobs than were asked for",
            "DELETE FROM event WHERE e = 'acknowledged' AND token = 'tok5'"),
        BadHistory("I0", "no job was read", "DELETE FROM event WHERE e = 'found'"),
        BadHistory("I0", "no job was called off", "DELETE FROM event WHERE e = 'cancel.done'"),
        BadHistory("I1", "an acknowledged job is gone", "DELETE FROM job WHERE token = 'tok1'"),
        BadHistory(
            "I1", "an acknowledged job was left queued",
            "UPDATE job SET status = 'queued' WHERE token = 'tok2'"),
        BadHistory(
            "I1", "a success that no handler ran",
            "DELETE FROM event WHERE e IN ('start', 'end') AND claim = u(11)"),
        BadHistory(
            "I1", "a success whose handler never came to its end",
            "DELETE FROM event WHERE e = 'end' AND claim = u(11)"),
        BadHistory(
            "I1", "a success whose handler failed",
            "UPDATE event SET out = 'failed' WHERE e = 'end' AND claim = u(11)"),
        BadHistory(
            "I1", "a success by another claim's handler",
            "UPDATE event SET claim = u(22) WHERE e IN ('start', 'end') AND claim = u(11)"),
        BadHistory(
            "I1", "an error that no handler ran",
            """
            DELETE FROM event WHERE e IN ('start', 'end') AND claim = u(11);
            UPDATE job SET status = 'error' WHERE token = 'tok1'
            """),
        BadHistory(
            "I2", "a run of a token that nobody asked for",
            "UPDATE event SET token = 'stranger' WHERE e = 'start' AND claim = u(11)"),
        BadHistory(
            "I2", "an id that was handed out for another token before",
            "UPDATE event SET job = u(2) WHERE e = 'acknowledged' AND token = 'tok1'"),
        BadHistory(
            "I3", "a second run beside one that settles",
            "SELECT ran(1, 99, 1, 200, 1005, 1008)"),
        BadHistory(
            "I3", "a second run beside one whose claim still stands",
            """
            DELETE FROM change WHERE tbl = 'claim' AND op = 'D' AND claim = u(31);
            UPDATE event SET t = 5015e6 WHERE e = 'exit' AND pid = 200
            """),
        BadHistory(
            "I3", "a second run beside one whose worker has handed the job back",
            "UPDATE event SET t = 2645e6 WHERE e = 'end' AND claim = u(41)"),
        BadHistory(
            "I3b", "a worker that nobody touched is declared dead", "SELECT beat(1, 100, 'D', 9001)"
        ),
        BadHistory(
            "I3b", "a worker that stood still is declared dead within its lease",
            """
            SELECT beat(8, 800, 'I', 1000), happened(1100, 'signalled', 800, 'STOP'),
                beat(8, 800, 'D', 3000)
            """),
        BadHistory(
            "I4", "a job is settled twice",
            """
            SELECT moved(1, 1100, 'executing', 9001);
            SELECT moved(1, 1101, 'success', 9002, by => 11)
            """),
        BadHistory(
            "I4", "a settlement by a claim that another run held",
            "UPDATE change SET last_claim = u(31) WHERE status = 'success' AND job = u(3)"),
        BadHistory(
            "I4", "a run is settled while it goes on",
            "UPDATE event SET t = 1050e6 WHERE e = 'end' AND claim = u(11)"),
        BadHistory(
            "I5", "a finished job is claimed again", "SELECT claimed(1, 12, 1, 1100)"),
        BadHistory(
            "I5", "a finished job is claimed by a claim that does not touch its row",
            """
            INSERT INTO change (n, xid, at, committed, tbl, op, job, claim, worker, attempt)
            VALUES (nextval('n'), 9001, at(1100), at(1100), 'claim', 'I', u(1), u(12), u(1), 2)
            """),
        BadHistory(
            "I6", "more runs than attempts", "UPDATE job SET max_attempts = 1 WHERE token = 'tok2'"),
        BadHistory(
            "I6", "the attempt falls without a hand-back",
            "SELECT moved(2, 1300, 'success', 9001, attempts => -1)"),
        BadHistory(
            "I6", "an attempt beyond the last",
            "SELECT moved(2, 1300, 'success', 9001, attempts => 30)"),
        BadHistory(
            "I7", "a run without a claim",
            "DELETE FROM change WHERE tbl = 'claim' AND claim = u(11)"),
        BadHistory(
            "I7", "a run under another number than its claim's",
            "UPDATE event SET att = 2 WHERE e = 'start' AND claim = u(11)"),
        BadHistory(
            "I7", "a run that began before its claim was committed",
            "UPDATE change SET committed = at(1009) WHERE tbl = 'claim' AND op = 'I' AND claim = u(11)"
        ),
        BadHistory(
            "I7", "a number that comes twice",
            "UPDATE change SET attempt = 1 WHERE tbl = 'claim' AND claim = u(32)"),
        BadHistory(
            "I8", "a pill that runs a fourth time", "SELECT ran(6, 69, 4, 900, 7000, 7001)"),
        BadHistory(
            "I8", "a pill that is left as if it could be taken again",
            "UPDATE job SET status = 'queued' WHERE token = 'tok6'"),
        BadHistory(
            "I8", "a job that never returns, and succeeds",
            "UPDATE job SET kind = 'hang' WHERE token = 'tok1'"),
        BadHistory(
            "I8", "an innocent that is given up",
            "UPDATE job SET status = 'error' WHERE token = 'tok3'"),
        BadHistory(
            "I9", "a claim that is left", "INSERT INTO claim_left VALUES (u(3), u(31), u(2))"),
        BadHistory(
            "I9", "a claim without a worker for long",
            """
            DELETE FROM event WHERE e = 'sample' AND t BETWEEN 10000e6 AND 20000e6;
            SELECT looked(g, orphans => 1) FROM generate_series(10000, 20000, 250) AS g
            """),
        BadHistory(
            "I9", "a claim under the id of a worker that was declared dead",
            "UPDATE change SET worker = u(2) WHERE tbl = 'claim' AND claim = u(71)"),
        BadHistory(
            "I10", "a job waits beside free slots",
            """
            DELETE FROM event WHERE e = 'sample' AND t BETWEEN 12000e6 AND 13000e6;
            SELECT looked(g, oldest => 4000) FROM generate_series(12000, 13000, 250) AS g
            """),
        BadHistory(
            "I10", "many jobs wait beside free slots, and none is claimed",
            """
            DELETE FROM event WHERE e = 'sample' AND t BETWEEN 12000e6 AND 13000e6;
            SELECT looked(g, oldest => 4000, due => 500) FROM generate_series(12000, 13000, 250) AS g
            """),
        BadHistory(
            "I11", "claimed before it was due",
            "UPDATE change SET run_at = at(2000) WHERE job = u(1) AND status = 'executing'"),
        BadHistory(
            "I11", "claimed from a paused queue",
            """
            INSERT INTO change (n, xid, at, tbl, op, queue, paused)
            VALUES (0, 0, at(0), 'queue', 'I', 'default', TRUE)
            """),
        BadHistory(
            "I11", "claimed by a worker of other queues",
            "UPDATE change SET queues = '{second}' WHERE tbl = 'worker' AND worker = u(1)"),
        BadHistory(
            "I12", "started long after one that came later",
            """
            INSERT INTO cfg VALUES ('ordered', 1), ('displacement', 3);
            UPDATE event SET t = 8000e6 WHERE e = 'start' AND claim = u(11)
            """),
        BadHistory(
            "I13", "a job that nobody asked for", "SELECT entered(50, 7000)"),
        BadHistory(
            "I13", "half of a request is stored",
            "DELETE FROM job WHERE token = 'tok8'"),
        BadHistory(
            "I13", "a refused job is in the table",
            "INSERT INTO event (t, p, e, token) VALUES (1003e6, 'chaos', 'refused', 'tok1')"),
        BadHistory(
            "I13", "a job is deleted",
            """
            INSERT INTO change (n, xid, at, tbl, op, job)
            VALUES (nextval('n'), 9001, at(7000), 'job', 'D', u(1))
            """),
        BadHistory(
            "I14", "a success is queued again", "SELECT moved(1, 1100, 'queued', 9001)"),
        BadHistory(
            "I14", "a job begins as executing",
            "UPDATE change SET status = 'executing' WHERE job = u(1) AND op = 'I' AND tbl = 'job'"),
        BadHistory(
            "I15", "tried again too soon",
            """
            UPDATE change SET run_at = at(400) WHERE job = u(2) AND status = 'scheduled'
            """),
        BadHistory(
            "I15", "tried again a moment too soon",
            "UPDATE change SET run_at = at(1161) WHERE job = u(2) AND status = 'scheduled'"),
        BadHistory(
            "I15", "tried again too soon after the statement's own time",
            "UPDATE change SET began = at(1071) WHERE op = 'D' AND claim = u(21)"),
        BadHistory(
            "I15", "tried again too late",
            "UPDATE change SET run_at = at(1400) WHERE job = u(2) AND status = 'scheduled'"),
        BadHistory(
            "I16", "a token is stored twice",
            "INSERT INTO job SELECT u(51), token, kind FROM job WHERE token = 'tok1'"),
        BadHistory(
            "I16", "two unfinished jobs share a unique key",
            "UPDATE change SET n = 0 WHERE job = u(7) AND op = 'I'; SELECT entered(52, 6003, key => 'k');"
                + "UPDATE change SET n = 1 WHERE job = u(52)"),
        BadHistory("I17", "a tick was missed", "DELETE FROM tick WHERE job = u(502)"),
        BadHistory(
            "I17", "a tick was fired twice", "INSERT INTO tick SELECT 'second', at(5000), u(502)"),
        BadHistory(
            "I17", "a schedule's job for no tick",
            "SELECT entered(504, 8001, 'tick'), moved(504, 8002, 'cancelled', 9001)"),
        BadHistory("I17", "the job of a tick is gone", "DELETE FROM job WHERE token = 'tok503'"),
        BadHistory(
            "I17", "the job of a tick was left",
            "UPDATE job SET status = 'queued' WHERE token = 'tok503'"),
        BadHistory(
            "I18", "confirmed as cancelled and successful",
            "UPDATE job SET status = 'success' WHERE token = 'tok5'"),
        BadHistory(
            "I18", "claimed after it was cancelled", "SELECT claimed(5, 53, 1, 2200)"),
        BadHistory(
            "I18", "refused to cancel, and cancelled",
            "UPDATE event SET e = 'cancel.late' WHERE e = 'cancel.done'"),
        BadHistory("I20", "a deadlock", "SELECT looked(29000, deadlocks => 1)"),
        BadHistory(
            "I20", "more connections than may be", "SELECT looked(29000, connections => 60)"),
        BadHistory(
            "I20", "more ids on the lists than twice the jobs",
            """
            INSERT INTO event (t, p, e, name, x)
            VALUES (20000e6, 'chaos', 'sample', 'redis', '{"listed": 500}')
            """),
        BadHistory(
            "I21", "asked to end, and ends badly",
            "UPDATE event SET out = 'exit 70' WHERE e = 'exit' AND pid = 300"),
        BadHistory(
            "I21", "asked to end, and does not",
            "DELETE FROM event WHERE e = 'exit' AND pid = 300"),
        BadHistory(
            "I21", "ends in order and leaves a claim to the reaper",
            "UPDATE change SET attempt = old_attempt, handbacks = 0, crashes = 1 WHERE job = u(4) AND handbacks = 1 AND old_handbacks = 0"
        ),
        BadHistory(
            "I21", "asked to end, and takes longer than its grace",
            "UPDATE event SET t = 9000e6 WHERE e = 'exit' AND pid = 300"),
        BadHistory(
            "I21", "interrupted, and ends badly",
            """
            UPDATE event SET out = 'INT' WHERE e = 'signalled' AND pid = 300;
            UPDATE event SET out = 'exit 70' WHERE e = 'exit' AND pid = 300
            """),
        BadHistory(
            "I21", "asked again, and goes on",
            """
            UPDATE event SET t = 6000e6 WHERE e = 'exit' AND pid = 300;
            SELECT happened(2550, 'signalled', 300, 'TERM')
            """),
        BadHistory(
            "I21", "asked to end, and claims",
            "UPDATE change SET at = at(2705), worker = u(3) WHERE tbl = 'claim' AND claim = u(42)"),
        BadHistory(
            "I21", "signs off before it has handed back",
            "UPDATE change SET n = 0 WHERE tbl = 'worker' AND op = 'D' AND worker = u(3)"),
        BadHistory(
            "I21", "what it handed back waits",
            "UPDATE change SET at = at(4700) WHERE tbl = 'claim' AND op = 'I' AND claim = u(42)"),
        BadHistory(
            "I22", "acknowledged before its commit",
            "UPDATE change SET committed = at(1500) WHERE tbl = 'job' AND op = 'I' AND job = u(1)"),
        BadHistory(
            "I23", "acknowledged and not found",
            "INSERT INTO event (t, p, e, token) VALUES (1003e6, 'chaos', 'missing', 'tok1')"),
        BadHistory(
            "I24", "a worker that beats too seldom",
            "DELETE FROM change WHERE tbl = 'worker' AND worker = u(1) AND at > at(5000) AND at < at(8000)"
        ),
        BadHistory(
            "I26", "a hostile text keeps an outcome from being written",
            "UPDATE job SET status = 'executing' WHERE token = 'tok9'"),
        BadHistory(
            "I26", "a reason that is longer than any may be",
            "UPDATE attempt SET reason_bytes = 9000"),
    ]
}
