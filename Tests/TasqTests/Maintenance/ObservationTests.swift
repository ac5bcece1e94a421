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

    @Test func `A fallen lock shortens the wait to a heartbeat from its fall`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 {
            #expect(observation.look(at: [worker(7)], now: at(second)).isEmpty)
        }
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(4)).isEmpty)
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(5)).isEmpty)
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(6)).count == 1)
    }

    @Test func `The next look comes when a fallen lock's wait is over`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 {
            _ = observation.look(at: [worker(7)], now: at(second))
            #expect(observation.nextVerdict == nil)
        }
        let now = at(4) + .milliseconds(300)
        _ = observation.look(at: [worker(7, lockFell: true)], now: now)
        #expect(observation.nextVerdict == .seconds(2))
        _ = observation.look(at: [worker(7, lockFell: true)], now: now + .milliseconds(1300))
        #expect(observation.nextVerdict == .milliseconds(700))
        #expect(
            observation.look(at: [worker(7, lockFell: true)], now: now + .seconds(2)).count == 1)
        #expect(observation.nextVerdict == nil)
    }

    @Test func `A worker that beats anew after its session ended is not dead`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { _ = observation.look(at: [worker(7)], now: at(second)) }
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(4)).isEmpty)
        for second in 5..<15 {
            #expect(observation.look(at: [worker(8)], now: at(second)).isEmpty)
        }
    }

    @Test func `After an outage, when every lock has fallen, the wait is two heartbeats`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { _ = observation.look(at: [worker(7)], now: at(second)) }
        observation.reset()
        for second in 60..<64 {
            #expect(observation.look(at: [worker(7, lockFell: true)], now: at(second)).isEmpty)
        }
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(64)).count == 1)
    }

    @Test func `Whoever takes the term over was in touch before, and need not wait longer`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in [0, 2, 4] { observation.touch(now: at(second)) }
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(6)).isEmpty)
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(7)).isEmpty)
        #expect(observation.look(at: [worker(7, lockFell: true)], now: at(8)).count == 1)
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
