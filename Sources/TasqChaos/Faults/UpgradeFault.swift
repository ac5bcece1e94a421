extension Fault {
    /// What is asked of every new version: that it can come while the one before is at work.
    static var upgrade: Fault {
        Fault(
            name: "upgrade",
            summary: "a new version migrates and replaces the one before, process by process",
            needs: [.oldProgram],
            setup: Setup(programs: [.old], startsOld: true, excuses: Excuse.ofWorkers),
            limits: [
                .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
                .atMost(0, "requests failed before"), .struck(2),
                .atLeast(1, "migrations applied"),
            ]
        ) { rig in
            let before = try await rig.schemaVersion()
            // The old programs go on with the new schema alone first, then beside a new one.
            try await rig.crew.tasq("migrate")
            let applied = try await rig.schemaVersion() - before
            try await rig.pass(.seconds(5))
            var struck = 0
            for (number, worker) in rig.workers.enumerated() {
                try await rig.replace(
                    worker,
                    by: rig.crew.worker(
                        number, as: number.isMultiple(of: 2) ? .tasq : .chaos, named: worker.name))
                guard number == 0 else { continue }
                try await rig.pass(.seconds(10))
                struck = try await rig.programsAtWork(new: worker)
            }
            try await rig.replace(rig.server, by: rig.crew.server(isOld: false))
            return [.struck(struck), Figure(name: "migrations applied", value: Double(applied))]
        }
    }
}

extension Rig {
    fileprivate func schemaVersion() async throws -> Int {
        try await number("SELECT max(number) FROM tasq.schema_version")
    }

    /// 2 where the one worker that is new and those that are old have claimed jobs a moment ago.
    fileprivate func programsAtWork(new: Member) async throws -> Int {
        let pid = await new.pid ?? 0
        return try await number(
            """
            SELECT count(DISTINCT w.pid = \(pid)) FROM audit.change AS c
            JOIN tasq.worker AS w ON w.id = c.worker
            WHERE c.tbl = 'claim' AND c.op = 'I' AND c.at > now() - interval '8 seconds'
            """)
    }
}
