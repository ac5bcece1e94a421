import Tasq
import TasqPostgres

/// Looks at PostgreSQL as a queue leans on it.
struct PostgresDoctor {
    /// The oldest server the statements are written for.
    static let oldestVersion = 140_000
    /// Clocks further apart than this make `--since` and `--until` pick other jobs than meant.
    static let clockTolerance = Duration.seconds(2)
    /// A transaction older than this holds back vacuum to a queue's harm.
    static let oldTransaction = Duration.seconds(60)
    /// Statistics older than this, with so many rows written since, tell of an autovacuum that does not
    /// come round.
    static let oldStatistics = Duration.seconds(3600)
    static let manyChanges = 100_000
    /// Connections of a worker beside its pool: the heartbeat's and the listener's.
    static let ownConnections = 2

    let store: PostgresStore

    func examine() async -> [Diagnosis] {
        let start = ContinuousClock.now
        do throws(StoreError) {
            try await store.ping()
        } catch {
            if case .misconfigured(let reason) = error { return [.fail("postgres", reason, nil)] }
            return [
                .fail(
                    "postgres", "\(error)",
                    "check DATABASE_URL, that the server runs and lets you in")
            ]
        }
        var lines = [
            Diagnosis.ok("postgres", "answers at \(store.place) in \((.now - start).rough)")
        ]
        guard await schema(&lines) else { return lines }
        do throws(StoreError) {
            let sent = Timestamp.now
            let checkup = try await store.checkup()
            lines += server(checkup) + [clock(checkup, sent: sent, received: .now)]
            lines += [connections(checkup), workers(checkup), statistics(checkup)]
            lines += kinds(try await store.unknownKinds())
            lines += vacuum(checkup, try await store.vacuumHolders())
        } catch {
            lines.append(.fail("postgres", "\(error)", "grant this user what tasq needs"))
        }
        return lines
    }

    /// Whether the schema is the one the other questions are written for.
    private func schema(_ lines: inout [Diagnosis]) async -> Bool {
        do throws(StoreError) {
            let (current, newest, _, oldest) = try await store.migrator.status()
            if oldest > newest {
                lines.append(
                    .fail(
                        "schema", "version \(current), this program knows \(newest)",
                        "install a newer tasq"))
            } else if current < newest {
                lines.append(
                    .fail(
                        "schema", "version \(current), this program needs \(newest)",
                        "run `tasq migrate`"))
            } else {
                let more = current > newest ? ", newer than this program, which works on it" : ""
                lines.append(.ok("schema", "version \(current)\(more)"))
            }
            return oldest <= newest && current >= newest
        } catch {
            lines.append(
                .fail("schema", "\(error)", "grant this user its use, or run `tasq migrate`"))
            return false
        }
    }

    private func server(_ checkup: Checkup) -> [Diagnosis] {
        let version = "\(checkup.version / 10_000).\(checkup.version % 10_000)"
        var lines = [
            checkup.version < Self.oldestVersion
                ? Diagnosis.fail("version", "PostgreSQL \(version)", "14 is the oldest that works")
                : .ok("version", "PostgreSQL \(version)")
        ]
        if checkup.isStandby {
            lines.append(
                .fail(
                    "role", "a standby: nothing can be written",
                    "name the primary, or add target_session_attrs=read-write to DATABASE_URL"))
        }
        var unsafe: [String] = []
        if checkup.fsync == "off" { unsafe.append("fsync is off") }
        if checkup.synchronousCommit == "off" { unsafe.append("synchronous_commit is off") }
        lines.append(
            unsafe.isEmpty
                ? .ok("durability", "fsync and synchronous_commit are on")
                : .warn(
                    "durability", unsafe.joined(separator: ", "),
                    "turn it on, or jobs that were acknowledged are lost in a crash"))
        lines.append(
            checkup.isolation == "read committed"
                ? .ok("isolation", "read committed")
                : .ok(
                    "isolation",
                    "\(checkup.isolation) by default; tasq's own statements are read committed, "
                        + "tasq.enqueue is as the transaction it is called in"))
        return lines
    }

    /// Half the way there and back is not known, and is forgiven.
    func clock(
        _ checkup: Checkup, sent: Timestamp, received: Timestamp
    ) -> Diagnosis {
        let early = sent.microseconds - checkup.clock.microseconds
        let late = checkup.clock.microseconds - received.microseconds
        let apart = Duration.microseconds(max(0, early, late))
        guard apart > Self.clockTolerance else {
            return .ok("clock", "this machine and the server agree")
        }
        return .warn(
            "clock", "the server's is \(apart.rough) \(late > 0 ? "ahead" : "behind")",
            "run NTP on both: times that people give are taken by this machine's clock")
    }

    private func kinds(_ unknown: [UnknownKind]) -> [Diagnosis] {
        unknown.map { found in
            .warn(
                "kinds",
                "\(found.jobs) queued job\(found.jobs == 1 ? "" : "s") of kind \(found.kind) in queue "
                    + "\(found.queue): no worker there has a handler for it",
                "start a worker with that handler, or `tasq jobs cancel --kind \(found.kind)`")
        }
    }

    /// tasq's statements find jobs whatever the statistics say; those of its users and the lists of
    /// operators may not.
    private func statistics(_ checkup: Checkup) -> Diagnosis {
        let age = checkup.sinceAnalyze
        guard checkup.changedSinceAnalyze >= Self.manyChanges,
            age.map({ $0 >= Self.oldStatistics }) ?? true
        else { return .ok("statistics", "of the jobs, as fresh as they need to be") }
        return .warn(
            "statistics",
            "of the jobs \(age.map { "are \($0.rough) old" } ?? "were never taken"), "
                + "\(checkup.changedSinceAnalyze) rows were written since",
            "run ANALYZE, and see what keeps autovacuum from it")
    }

    private func connections(_ checkup: Checkup) -> Diagnosis {
        let each = store.poolSize + Self.ownConnections
        let room = checkup.maxConnections - checkup.reservedConnections
        let wanted = max(1, checkup.workers) * each + store.poolSize
        let text =
            "\(checkup.usedConnections) of \(room) in use; \(max(1, checkup.workers)) workers of up "
            + "to \(each) and a server of \(store.poolSize) may want \(wanted)"
        guard checkup.usedConnections < room else {
            return .fail("connections", text, "raise max_connections or put a pooler in between")
        }
        return wanted <= room
            ? .ok("connections", text)
            : .warn(
                "connections", text,
                "raise max_connections, run fewer workers with more slots, or put a pooler in between"
            )
    }

    private func workers(_ checkup: Checkup) -> Diagnosis {
        let live = checkup.workers - checkup.silentWorkers
        if live <= 0 {
            return .warn("workers", "none is alive: no job runs", "start `tasq work`")
        }
        if checkup.silentWorkers > 0 {
            return .warn(
                "workers",
                "\(live) alive, \(checkup.silentWorkers) silent for longer than the lease",
                "see `tasq workers list`; the live ones remove the silent ones within a lease")
        }
        return .ok("workers", "\(live) alive")
    }

    func vacuum(_ checkup: Checkup, _ holders: [VacuumHolder]) -> [Diagnosis] {
        var lines: [Diagnosis] = []
        if checkup.autovacuum == "off" {
            lines.append(
                .fail(
                    "vacuum", "autovacuum is off", "turn it on: a queue's rows die by the thousand")
            )
        }
        for holder in holders where holder.age.map({ $0 >= Self.oldTransaction }) ?? true {
            var text = "held back by the \(holder.what) \(holder.name)"
            if let pid = holder.processID { text += ", pid \(pid)" }
            if let state = holder.state { text += ", \(state)" }
            if let age = holder.age { text += ", its transaction \(age.rough) old" }
            if let start = holder.queryStart { text += ", last query at \(start)" }
            if let query = holder.query, !query.isEmpty { text += ": \(query)" }
            let mend =
                switch holder.what {
                case "session":
                    "end it: SELECT pg_terminate_backend(\(holder.processID.map(String.init) ?? "pid"))"
                case "replication slot": "let its consumer come back, or drop the slot"
                default: "COMMIT PREPARED or ROLLBACK PREPARED it"
                }
            lines.append(.warn("vacuum", text, mend))
        }
        if !checkup.seesAllSessions {
            lines.append(
                .warn(
                    "vacuum", "sessions of other users do not show what they hold back",
                    "GRANT pg_read_all_stats to this user to look at all of them"))
        }
        return lines.isEmpty ? [.ok("vacuum", "nobody holds it back")] : lines
    }
}
