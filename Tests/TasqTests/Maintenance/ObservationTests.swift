import Testing

@testable import Tasq

@Suite struct ObservationTests {
    private let start = ContinuousClock.now

    @Test func `A worker that stands still for a whole lease is dead, not a look earlier`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0..<15 {
            #expect(observation.look(at: [worker(7)], now: at(second)).isEmpty)
        }
        #expect(observation.look(at: [worker(7)], now: at(15)).count == 1)
    }

    @Test func `A worker that beats is never dead`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0..<200 {
            let workers = [worker(Int64(second / 2))]
            #expect(observation.look(at: workers, now: at(second)).isEmpty)
        }
    }

    @Test func `Time in which nobody could look does not count`() {
        var observation = Observation(longestGap: .seconds(3))
        _ = observation.look(at: [worker(7)], now: at(0))
        _ = observation.look(at: [worker(7)], now: at(2))
        #expect(observation.look(at: [worker(7)], now: at(600)).isEmpty)
        for second in stride(from: 602, to: 615, by: 2) {
            #expect(observation.look(at: [worker(7)], now: at(second)).isEmpty)
        }
        #expect(observation.look(at: [worker(7)], now: at(615)).count == 1)
    }

    @Test func `A fallen lock shortens the wait to two heartbeats`() {
        var observation = Observation(longestGap: .seconds(3))
        _ = observation.look(at: [worker(7)], now: at(0))
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(3)).isEmpty)
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(4)).count == 1)
    }

    @Test func `A heartbeat that stands still is seen even by looks far apart`() {
        var observation = Observation(longestGap: .seconds(3))
        for look in 0..<5 {
            _ = observation.look(at: [worker(Int64(look * 2))], now: at(look * 4))
            #expect(!observation.hasStillWorker)
        }
        #expect(observation.look(at: [worker(8)], now: at(20)).isEmpty)
        #expect(observation.hasStillWorker)
    }

    private let id = WorkerID()

    private func worker(_ sequence: Int64, lockFell: Bool = false) -> WorkerSight {
        WorkerSight(
            id: id, sequence: sequence, heartbeat: .seconds(2), lease: .seconds(15),
            lockFell: lockFell)
    }

    private func at(_ second: Int) -> ContinuousClock.Instant { start + .seconds(second) }
}

@Suite struct EpochTests {
    @Test(arguments: [
        (nil, false), ("a:9", false), ("b:10", false), ("a:10", true), ("a:11", true), ("", false),
        ("a", false), ("a:", false), ("a:99999999999999999999", false),
    ])
    func `A mark proves memory only if it is of this epoch and not older`(
        mark: String?, isConfirmed: Bool
    ) {
        #expect(Epoch(name: "a", counter: 10).isConfirmed(by: mark) == isConfirmed)
    }
}
