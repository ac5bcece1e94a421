import Testing

@testable import Tasq

@Suite struct ObservationTests {
    private let start = ContinuousClock.now

    @Test func `A worker that stands still for a whole lease is dead, not a look earlier`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0..<15 { #expect(observation.look(worker(7), at(second)).isEmpty) }
        #expect(observation.look(worker(7), at(15)).count == 1)
    }

    @Test func `A worker that beats is never dead`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0..<200 {
            #expect(observation.look(worker(Int64(second / 2)), at(second)).isEmpty)
        }
    }

    @Test func `Time in which nobody could look does not count`() {
        var observation = Observation(longestGap: .seconds(3))
        _ = observation.look(worker(7), at(0))
        _ = observation.look(worker(7), at(2))
        #expect(observation.look(worker(7), at(600)).isEmpty)
        for second in stride(from: 602, to: 615, by: 2) {
            #expect(observation.look(worker(7), at(second)).isEmpty)
        }
        #expect(observation.look(worker(7), at(615)).count == 1)
    }

    @Test func `Over a bad way two leases of looks, all told, find a worker dead`() {
        var observation = Observation(longestGap: .seconds(3))
        // Two seconds of looks, then one that fails or comes late.
        for round in 0..<14 {
            for second in 0..<3 {
                #expect(observation.look(worker(7), at(round * 10 + second)).isEmpty)
            }
            if round.isMultiple(of: 2) { observation.reset() }
        }
        #expect(observation.look(worker(7), at(140)).isEmpty)
        #expect(observation.look(worker(7), at(141)).isEmpty)
        #expect(observation.look(worker(7), at(142)).count == 1)
    }

    @Test func `Over a bad way a worker that beats now and then lives`() {
        var observation = Observation(longestGap: .seconds(3))
        for round in 0..<200 {
            for second in 0..<3 {
                let worker = worker(Int64(round / 14))
                #expect(observation.look(worker, at(round * 10 + second)).isEmpty)
            }
            observation.reset()
        }
    }

    @Test func `A fallen lock shortens the wait to a heartbeat from its fall`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { #expect(observation.look(worker(7), at(second)).isEmpty) }
        #expect(observation.look(worker(7, lockFell: true), at(4)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(5)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(6)).count == 1)
    }

    @Test func `The next look comes when a fallen lock's wait is over`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 {
            _ = observation.look(worker(7), at(second))
            #expect(observation.nextVerdict == nil)
        }
        let now = at(4) + .milliseconds(300)
        _ = observation.look(worker(7, lockFell: true), now)
        #expect(observation.nextVerdict == .seconds(2))
        _ = observation.look(worker(7, lockFell: true), now + .milliseconds(1300))
        #expect(observation.nextVerdict == .milliseconds(700))
        #expect(observation.look(worker(7, lockFell: true), now + .seconds(2)).count == 1)
        #expect(observation.nextVerdict == nil)
    }

    @Test func `A worker that beats anew after its session ended is not dead`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { _ = observation.look(worker(7), at(second)) }
        #expect(observation.look(worker(7, lockFell: true), at(4)).isEmpty)
        for second in 5..<15 { #expect(observation.look(worker(8), at(second)).isEmpty) }
    }

    /// Not all find the way back at the same time, and this observer may be the first.
    @Test func `After an outage, when every lock has fallen, the wait is the lease`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { _ = observation.look(worker(7), at(second)) }
        observation.reset()
        for second in 60..<75 {
            #expect(observation.look(worker(7, lockFell: true), at(second)).isEmpty)
            #expect(observation.nextVerdict == nil)
        }
        #expect(observation.look(worker(7, lockFell: true), at(75)).count == 1)
    }

    @Test func `What had fallen when this one came tells as much`() {
        var observation = Observation(longestGap: .seconds(3))
        #expect(observation.look(worker(7, lockFell: true), at(0)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(1)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(2)).count == 1)
    }

    @Test func `Whoever takes the term over need not wait longer`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in [0, 2, 4] { _ = observation.look(at: [], now: at(second)) }
        #expect(observation.look(worker(7, lockFell: true), at(6)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(7)).isEmpty)
        #expect(observation.look(worker(7, lockFell: true), at(8)).count == 1)
    }

    @Test func `Whoever takes the term over after an outage leaves the others their leases`() {
        var observation = Observation(longestGap: .seconds(3))
        observation.reset()
        for second in [0, 2, 4] { _ = observation.look(at: [], now: at(second)) }
        for second in 6..<15 {
            #expect(observation.look(worker(7, lockFell: true), at(second)).isEmpty)
        }
    }

    @Test func `A lease after an outage a fallen lock tells something again`() {
        var observation = Observation(longestGap: .seconds(3))
        observation.reset()
        for second in 0..<12 { _ = observation.look(worker(Int64(second)), at(second)) }
        for second in 12..<17 {
            #expect(observation.look(worker(12, lockFell: true), at(second)).isEmpty)
        }
        #expect(observation.look(worker(12, lockFell: true), at(17)).count == 1)
    }

    /// The holder looks every four seconds then.
    @Test func `A lock that falls in an idle system tells as much`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in [0, 4, 8] { _ = observation.look(worker(Int64(second)), at(second)) }
        #expect(observation.look(worker(9, lockFell: true), at(12)).isEmpty)
        #expect(observation.nextVerdict == .seconds(2))
        #expect(observation.look(worker(9, lockFell: true), at(14)).count == 1)
    }

    @Test func `A lock that fell while nobody looked tells nothing`() {
        var observation = Observation(longestGap: .seconds(3))
        _ = observation.look(worker(7), at(0))
        for second in 60..<75 {
            #expect(observation.look(worker(7, lockFell: true), at(second)).isEmpty)
        }
        #expect(observation.look(worker(7, lockFell: true), at(75)).count == 1)
    }

    @Test func `A heartbeat that stands still is seen even by looks far apart`() {
        var observation = Observation(longestGap: .seconds(3))
        for look in 0..<5 {
            _ = observation.look(worker(Int64(look * 2)), at(look * 4))
            #expect(!observation.hasStillWorker)
        }
        #expect(observation.look(worker(8), at(20)).isEmpty)
        #expect(observation.hasStillWorker)
    }

    @Test func `One that is gone from the doorbell has a second to come back`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...3 { #expect(observation.look(worker(7), at(second)).isEmpty) }
        #expect(look(&observation, gone: 7, at: 4).isEmpty)
        #expect(observation.nextVerdict == .seconds(1))
        #expect(look(&observation, gone: 7, at: 5).count == 1)
    }

    @Test func `One that is gone from the doorbell has a second more for its beat than it should`()
    {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...2 { #expect(look(&observation, gone: 7, at: second).isEmpty) }
        #expect(observation.nextVerdict == .seconds(1))
        #expect(look(&observation, gone: 7, at: 3).count == 1)
    }

    @Test func `One that is seen again, or was not looked at for a while, has all of it again`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0...2 { #expect(look(&observation, gone: 7, at: second).isEmpty) }
        #expect(observation.look(worker(7), at(3)).isEmpty)
        #expect(look(&observation, gone: 7, at: 4).isEmpty)
        // A gap, but not one in which we were cut off: who was would have longer.
        for second in 8...10 { #expect(look(&observation, gone: 7, at: second).isEmpty) }
        #expect(look(&observation, gone: 7, at: 11).count == 1)
    }

    @Test func `One that has gone from the doorbell and beats lives`() {
        var observation = Observation(longestGap: .seconds(3))
        for second in 0..<200 {
            #expect(look(&observation, gone: Int64(second / 2), at: second).isEmpty)
        }
    }

    private func look(
        _ observation: inout Observation, gone sequence: Int64, at second: Int
    ) -> [WorkerSight] {
        observation.look(at: [worker(sequence)], gone: [id], now: at(second))
    }

    private let id = WorkerID()

    private func worker(_ sequence: Int64, lockFell: Bool = false) -> WorkerSight {
        WorkerSight(
            id: id, sequence: sequence, heartbeat: .seconds(2), lease: .seconds(15),
            lockFell: lockFell)
    }

    private func at(_ second: Int) -> ContinuousClock.Instant { start + .seconds(second) }
}

extension Observation {
    /// Looks at one worker; returns it if it is dead.
    fileprivate mutating func look(
        _ worker: WorkerSight, _ now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        look(at: [worker], now: now)
    }
}
