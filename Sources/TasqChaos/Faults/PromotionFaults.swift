import FoundationEssentials
import Synchronization
import Tasq
import TasqTesting

/// What happens when PostgreSQL's primary is lost and another takes its place.
extension Fault {
    static var promotionFaults: [Fault] {
        [
            promotion(isSynchronous: false), promotion(isSynchronous: true), stalePrimary,
            splitBrain(isSynchronous: false), splitBrain(isSynchronous: true),
        ]
    }

    private static func promotion(isSynchronous: Bool) -> Fault {
        let standby = Mutex<PrivatePostgres?>(nil)
        // Of one that does not lag nothing could be lost, and nothing would be tried.
        let lag: [Limit] =
            isSynchronous ? [] : [.atLeast(1, "acknowledged while the standby lagged")]
        return Fault(
            name: isSynchronous ? "promotion-sync" : "promotion",
            summary: isSynchronous
                ? "the primary is lost and its synchronous standby takes over"
                : "the primary is lost and a standby that lags takes over",
            setup: Setup(allows: isSynchronous ? [] : [.lostCommits]),
            limits: lag + Limit.clear + [
                .atMost(10_000, "writes again after"), .atMost(15_000, "healed"),
            ],
            prepare: { stage in
                let other = try await addStandby(to: &stage, isSynchronous: isSynchronous)
                standby.withLock { $0 = other }
            }
        ) { rig in
            guard let other = standby.withLock({ $0 }) else {
                throw TestingError.failed("there is no standby")
            }
            if !isSynchronous { try await rig.leaveBehind(other) }
            await rig.postgres.stop(.immediate)
            try await rig.pass(.seconds(2))
            if !isSynchronous { rig.log.write(Event(kind: .promoted)) }
            return [try await rig.promote(other)]
        }
    }

    /// It comes first in the list of servers, and must be passed over. It takes no writes, as
    /// whoever promotes another has to see to: of two that do, no client can tell which to believe.
    private static var stalePrimary: Fault {
        let standby = Mutex<PrivatePostgres?>(nil)
        return Fault(
            name: "stale-primary",
            summary: "the primary is lost, and comes back demoted after its standby took over",
            setup: Setup(postgresSettings: ["log_connections": "on"]),
            limits: Limit.clear + [
                .atMost(10_000, "writes again after"), .atMost(15_000, "healed"), .struck(),
            ],
            prepare: { stage in
                let other = try await addStandby(to: &stage, isSynchronous: true)
                standby.withLock { $0 = other }
            }
        ) { rig in
            guard let other = standby.withLock({ $0 }) else {
                throw TestingError.failed("there is no standby")
            }
            let old = rig.postgres
            await old.stop(.immediate)
            try await rig.pass(.seconds(2))
            let written = try await rig.promote(other)
            _ = FileManager.default.createFile(
                atPath: old.directory + "/data/standby.signal", contents: Data())
            let before = Rig.visits(in: rig.text(loggedBy: old))
            try await old.restart()
            // Whoever loses a connection now asks the old one first.
            for _ in 0..<4 {
                try await rig.sql(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = '\(Stage.role)' AND backend_type = 'client backend'
                    """)
                try await rig.pass(.seconds(2))
            }
            return [written, .struck(Rig.visits(in: rig.text(loggedBy: old)) - before)]
        }
    }

    /// Starts a standby of the run's PostgreSQL, and has everybody know of both.
    static func addStandby(
        to stage: inout Stage, isSynchronous: Bool
    ) async throws -> PrivatePostgres {
        let other = try await PrivatePostgres.start(
            settings: ["track_commit_timestamp": "on"], durable: false,
            following: stage.postgres)
        if isSynchronous {
            try await stage.postgres.execute(
                """
                ALTER SYSTEM SET synchronous_standby_names = '*';
                SELECT pg_reload_conf()
                """)
        }
        stage.road.databaseURL = writableURL(ports: [stage.postgres.port, other.port])
        return other
    }

    /// Leads to the first of several servers of this machine that says that it takes writes.
    static func writableURL(ports: [Int]) -> String {
        let hosts = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        return "postgres://\(Stage.role)@\(hosts)/\(Stage.database)"
            + "?target_session_attrs=read-write"
    }
}

extension Rig {
    /// Makes a standby lag. What is acknowledged from here on may be lost; what was before is with
    /// it.
    func leaveBehind(_ other: PrivatePostgres) async throws {
        log.write(Event(kind: .lagging))
        let place = try await sql("SELECT pg_current_wal_lsn()")
        try await eventually("the standby has what was acknowledged") {
            try await other.execute("SELECT pg_last_wal_receive_lsn() >= '\(place)'") == "t"
        }
        // Without a receiver the standby lags; replay goes on with what it has.
        try await other.execute(
            "ALTER SYSTEM SET primary_conninfo = 'port=1'; SELECT pg_reload_conf()")
        try await pass(.seconds(1))
    }

    /// Makes the standby the one that takes writes; returns how soon some were taken.
    fileprivate func promote(_ other: PrivatePostgres) async throws -> Figure {
        try await other.promote()
        postgres = other
        return try await writesAgain()
    }

    /// How soon clients have something acknowledged.
    func writesAgain() async throws -> Figure {
        let begin = ContinuousClock.now
        let before = load.tally.acknowledged
        try await eventually(within: .seconds(60), "writes are taken again") {
            load.tally.acknowledged > before
        }
        return Figure(
            name: "writes again after", value: (ContinuousClock.now - begin) / .milliseconds(1),
            unit: "ms")
    }
}
