import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// Faults in small sizes, each a whole system of real servers and processes. Only what no busy
/// machine can spoil is asked for here; how long things take, `tasq-chaos run` says. Most take a
/// good part of a minute, so they run when `TASQ_TEST_LONG` is set, as by `compose/test --long`.
enum FaultTests {
    static let areAskedFor = ProcessInfo.processInfo.environment["TASQ_TEST_LONG"] != nil

    /// The fast part, in every run of the tests: one fault each of workers, of the server, of Redis
    /// and of PostgreSQL, all at once, for less than a minute.
    @Suite(.large) struct Fast {
        @Test func `Nothing is lost, run beside itself or ended twice under one of many faults`()
            async throws
        {
            let faults = ["fail-points", "server-kill", "redis-flush", "postgres-terminate"]
                .filter { Fault.named($0)?.obstacle == nil }
            let record = NSTemporaryDirectory() + "tasq-record-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: record) }
            let run = try await ChaosRun.of(
                faults,
                options: [
                    "--jobs", "150", "--rate", "40", "--at-once", "4", "--record", record,
                ])
            #expect(run.reports.map(\.fault).sorted() == faults.sorted())
            let recorded = try Record(at: record)
            #expect(recorded.unread == [])
            #expect(recorded.runs.map(\.fault).sorted() == faults.sorted())
            for one in recorded.runs {
                let report = run.reports.first { $0.fault == one.fault }
                #expect(one.clean == report?.clean)
                #expect(one.build == recorded.newestBuild)
                // One that the others have moved is made again alone.
                let again = "\(one.fault), seed \(one.seed), is made again alone"
                #expect(one.beside != run.text.contains(again))
                let phases = ["starting servers", "load", "fault", "draining", "checking"]
                #expect(Set(one.seconds.keys).isSuperset(of: phases))
            }
            for report in run.reports {
                // A worker whose session was ended has a second to show that it lives, which four
                // systems beside each other may not give it. What comes of its death is asked for.
                let faults = report.faults.filter { !$0.hasPrefix("I3b ") }
                #expect(faults == [], "\(report.fault): \(run.text)")
                #expect(report.figures["jobs acknowledged"] ?? 0 >= 150)
            }
        }
    }

    @Suite(.serialized, .enabled(if: areAskedFor), .large) struct Workers {
        @Test(arguments: [
            "calm", "worker-kill", "fail-points", "worker-pause", "worker-drain", "server-kill",
            "poison", "queue-pause", "two-reapers", "leader-pause", "out-of-memory", "stuck",
        ])
        func `Nothing is lost, run beside itself or ended twice under`(fault: String) async throws {
            try await FaultTests.holds(fault)
        }
    }

    @Suite(.serialized, .enabled(if: areAskedFor), .large) struct Redis {
        @Test(arguments: [
            "redis-flush", "redis-lose-hints", "redis-duplicate-hints", "redis-kill", "redis-hang",
            "partition", "partition-answers", "half-close",
        ])
        func `Nothing is lost, run beside itself or ended twice under`(fault: String) async throws {
            try await FaultTests.holds(fault)
        }
    }

    @Suite(.serialized, .enabled(if: areAskedFor), .large) struct Postgres {
        @Test(arguments: [
            "postgres-restart", "postgres-terminate", "postgres-full", "reap-storm", "clock-jump",
            "pooler", "stale-primary", "schedules", "split-brain", "split-brain-sync",
            "wal-full",
        ])
        func `Nothing is lost, run beside itself or ended twice under`(fault: String) async throws {
            try await FaultTests.holds(fault)
        }
    }

    @Suite(.enabled(if: areAskedFor), .large) struct Upgrade {
        /// Where no older program is named, this one counts as one: at least the way is tried.
        @Test func `A version is replaced by the next under load`() async throws {
            let this = try ChildProcess.built("tasq")
            let run = try await ChaosRun.of(
                ["upgrade"], options: ["--jobs", "300", "--rate", "60"],
                environment: ["TASQ_OLD_BIN": Fault.oldProgram ?? this])
            #expect(run.report.faults == [], "\(run.text)")
            #expect(run.report.figures["struck"] == 2)
            #expect(run.report.figures["claims reaped"] == 0)
        }
    }

    fileprivate static func holds(_ name: String) async throws {
        let fault = try #require(Fault.named(name))
        if let obstacle = fault.obstacle {
            print("\(name) is skipped: \(obstacle)")
            return
        }
        let run = try await ChaosRun.of([name], options: ["--jobs", "300", "--rate", "60"])
        #expect(run.report.faults == [], "\(run.text)")
        #expect(run.report.figures["jobs acknowledged"] ?? 0 >= 300)
        #expect(!run.report.misses.contains { $0.hasPrefix("struck ") }, "\(run.text)")
    }
}
