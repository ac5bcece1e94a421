import Tasq
import TasqTesting

/// What happens to whoever fires the ticks of a schedule.
extension Fault {
    static var scheduleFaults: [Fault] {
        [schedules(clockJumps: false), schedules(clockJumps: true)]
    }

    private static func schedules(clockJumps: Bool) -> Fault {
        Fault(
            name: clockJumps ? "schedule-clock" : "schedules",
            summary: "a schedule ticks while whoever may fire it is killed or stands still"
                + (clockJumps ? ", and PostgreSQL's clock jumps" : ""),
            needs: clockJumps ? [.program("faketime", package: "faketime"), .fakeClock] : [],
            setup: Setup(
                programs: [.chaos],
                sql: """
                    SELECT tasq.put_schedule(
                        name => 'second', cron => '* * * * * *', kind => 'tick',
                        payload => '{"tok":"tick","ms":1,"failures":0}', missed => 'all');
                    """,
                fakesClock: clockJumps, clockIsTrue: !clockJumps, settings: [("tick_ms", 1000)]),
            limits: [
                .atMost(13_000, "ticks caught up after", in: .test),
                .atMost(25_000, "ticks caught up after", in: .defaults), .struck(15),
            ]
        ) { rig in
            for (number, worker) in rig.workers.enumerated() {
                // Whoever holds the maintenance term is among them.
                if number.isMultiple(of: 2) { await worker.kill() } else { await worker.pause() }
                if let clock = rig.stage.clock { clock.shift(["+2m", "+0", "+4m"][number % 3]) }
                try await rig.pass(rig.plan.profile.lease + .seconds(2))
                await worker.resume()
            }
            try await rig.allReady()
            let begin = ContinuousClock.now
            let came = await rig.comes(within: .seconds(120), "the ticks are caught up") {
                try await rig.secondsWithoutTick() <= 2
            }
            let took = (ContinuousClock.now - begin) / .milliseconds(1)
            // So that the last job of it comes to its end, as all others do.
            try await rig.sql("UPDATE tasq.schedule SET paused = true, version = version + 1")
            let fired = try await rig.number("SELECT count(*) FROM tasq.schedule_tick")
            return [
                Figure(name: "ticks caught up after", value: came ? took : 9e9, unit: "ms"),
                .struck(fired),
            ]
        }
    }
}

extension Rig {
    /// How long ago by PostgreSQL's clock the newest tick was; a day where there is none.
    fileprivate func secondsWithoutTick() async throws -> Int {
        try await number(
            """
            SELECT coalesce(extract(epoch FROM clock_timestamp() - max(tick))::bigint, 86400)
            FROM tasq.schedule_tick
            """)
    }
}
