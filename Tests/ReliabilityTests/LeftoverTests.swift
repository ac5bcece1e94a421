import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Ids on Redis whose jobs are over, where no worker takes them.
@Suite(.system) struct LeftoverTests {
    @Test func `Ids of jobs that a polling worker has run leave Redis`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 64, ["TASQ_FIND_WORK": "poll"])
            try await fleet.enqueue(5000, kind: "noop")
            try await fleet.reaches(5000, .success)
            try await eventually("the list is empty") { try await fleet.announced().isEmpty }
            try await fleet.stop([worker])
        }
    }

    @Test func `Ids of jobs that wait stay, whatever is in front of them`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 1, ["TASQ_FIND_WORK": "poll"])
            try await fleet.enqueue(30, kind: "noop")
            try await fleet.reaches(30, .success)
            fleet.log.hold()
            try await fleet.enqueue(1)
            try await eventually("it runs") { fleet.log.count == 1 }
            let waiting = try await fleet.enqueue(4, kind: "noop")
            try await eventually("only what waits is left") {
                try await fleet.announced() == waiting.reversed().map(\.description)
            }
            fleet.log.release()
            try await fleet.reaches(35, .success)
            try await eventually("the list is empty") { try await fleet.announced().isEmpty }
            try await fleet.stop([worker])
        }
    }
}

extension Fleet {
    /// What stands on the list, newest first.
    fileprivate func announced() async throws -> [String] {
        try await announcer.announced(on: .defaultQueue, .default, from: 0, limit: 10_000)
    }
}
