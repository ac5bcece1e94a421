import ArgumentParser
import FoundationEssentials
import TasqPostgres

/// A known mistake, put back by editing the real statements: a suite that stays green with one of
/// these does not test.
enum Mistake: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// The claim does not lock the job's row first.
    case naiveClaim = "naive-claim"
    /// The claim reads the attempt again outside the locking select.
    case attemptReadAgain = "attempt-read-again"
    /// A settlement deletes the claim first and locks the job second.
    case claimFirstSettle = "claim-first-settle"
    /// A settlement goes by the worker rather than by the claim's token.
    case workerFence = "worker-fence"
    /// The table is searched above the highest id seen rather than by status.
    case watermarkScan = "watermark-scan"
    /// An attempt is counted when it fails rather than when it is claimed.
    case countedOnFailure = "counted-on-failure"

    /// The names of the statements that the mistake is in.
    var statements: Set<String> { Set(edits.keys) }

    /// The statement with the mistake in it; itself where the mistake lies elsewhere.
    func edit(_ statement: Statement) -> Statement {
        var text = statement.text
        for edit in edits[statement.name] ?? [] {
            precondition(
                text.contains(edit.old), "\(rawValue) no longer fits \(statement.name)")
            text = text.replacing(edit.old, with: edit.new)
        }
        return Statement(
            name: statement.name, text: text, isPlannedAnew: statement.isPlannedAnew)
    }

    /// What the database of a run with this mistake is like: moments in which mistakes show are
    /// stretched, between a claim's snapshot and its locks (the list of paused queues takes a while
    /// to read) and between the two rows that a settlement writes. And what the schema itself would
    /// refuse is let through, because the statement is what is tried.
    var stage: String {
        switch self {
        case .naiveClaim, .attemptReadAgain:
            """
            ALTER TABLE tasq.job DROP CONSTRAINT finished_iff_final;
            ALTER TABLE tasq.queue_setting RENAME TO queue_setting_table;
            CREATE VIEW tasq.queue_setting AS
                SELECT NULL::text AS queue, random() < 0 AS paused FROM pg_sleep(random() * 0.02);
            ALTER VIEW tasq.queue_setting OWNER TO \(Stage.role);
            """
        case .claimFirstSettle:
            """
            ALTER DATABASE \(Stage.database) SET deadlock_timeout = '20ms';
            CREATE FUNCTION public.linger() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_sleep(random() * 0.002); RETURN NEW; END $$;
            CREATE TRIGGER linger BEFORE UPDATE ON tasq.job
            FOR EACH ROW EXECUTE FUNCTION public.linger();
            """
        case .workerFence, .watermarkScan, .countedOnFailure: ""
        }
    }

    private struct Edit {
        let old: String
        let new: String

        init(_ old: String, _ new: String) {
            self.old = old
            self.new = new
        }
    }

    private var edits: [String: [Edit]] {
        switch self {
        case .naiveClaim:
            let unlocked = [Edit("    FOR NO KEY UPDATE OF j SKIP LOCKED\n", "")]
            return [
                "tasq_claim": unlocked,
                "tasq_sweep": [Edit("            FOR NO KEY UPDATE OF l SKIP LOCKED\n", "")],
            ]
        case .attemptReadAgain:
            let again = Edit(
                "d.attempt + 1, now()\n    FROM due AS d",
                "a.attempt + 1, now()\n    FROM due AS d JOIN tasq.job AS a ON a.id = d.id")
            return ["tasq_claim": [again], "tasq_sweep": [again], "tasq_claim_suspect": [again]]
        case .claimFirstSettle:
            return [
                "tasq_settle": [
                    Edit(
                        "USING held AS h\n    WHERE e.job_id = ANY (ARRAY[h.id])",
                        """
                        USING (
                            SELECT
                                u.job_id AS id, u.claim,
                                coalesce(u.verdict, ($3::text[])[1]) AS verdict,
                                coalesce(u.delay_us, 0) AS delay_us, u.reason
                            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
                                AS u (job_id, claim, verdict, delay_us, reason)
                        ) AS h
                        WHERE e.job_id = ANY (ARRAY[h.id])
                        """),
                    Edit("    ORDER BY u.job_id\n    FOR NO KEY UPDATE OF j SKIP LOCKED\n", ""),
                ]
            ]
        case .workerFence:
            return [
                "tasq_settle": [
                    // Its own claim, whichever: also the one it took anew after a reap.
                    Edit(
                        "AND e.id = h.claim",
                        """
                        AND e.worker_id IN (
                            SELECT w.id FROM tasq.worker AS w
                            WHERE w.pid = \(ProcessInfo.processInfo.processIdentifier))
                        """)
                ]
            ]
        case .watermarkScan:
            return [
                "tasq_sweep": [
                    Edit(
                        "AND l.crashes < 2\n",
                        """
                        AND l.crashes < 2
                                    AND l.id > ALL (ARRAY(
                                        SELECT s.id FROM tasq.job AS s WHERE s.claimed_at IS NOT NULL
                                        ORDER BY s.id DESC LIMIT 1))

                        """)
                ]
            ]
        case .countedOnFailure:
            return [
                "tasq_claim": [Edit("d.attempt + 1, now()", "d.attempt, now()")],
                "tasq_sweep": [Edit("d.attempt + 1, now()", "d.attempt, now()")],
                "tasq_claim_suspect": [Edit("d.attempt + 1, now()", "d.attempt, now()")],
                "tasq_settle": [
                    Edit(
                        "            ELSE j.attempt\n        END,\n        handbacks",
                        "            ELSE j.attempt + 1\n        END,\n        handbacks")
                ],
                "tasq_reap": [
                    Edit("crashes = j.crashes + 1,", "crashes = j.crashes,"),
                    Edit("j.crashes + 1 >= $2::bigint", "j.crashes >= $2::bigint"),
                ],
            ]
        }
    }
}
