import Testing

@testable import Tasq

@Suite struct SweepsTests {
    private let start = ContinuousClock.now

    @Test func `One that fails rests, and the next goes beside the takes if it took its time`() {
        var sweeps = Sweeps()
        sweep(&sweeps, for: .milliseconds(1), .failure(.unavailable("away")))
        #expect(sweeps.rest(at: start) == .milliseconds(100) && !sweeps.areLong)
        sweep(&sweeps, for: .seconds(30), .failure(.unavailable("away")))
        #expect(sweeps.rest(at: start) == .seconds(2) && sweeps.areLong)
        #expect(sweeps.rest(at: start + .seconds(3)) == .zero)
    }

    @Test func `One that took long is followed by a long rest`() {
        var sweeps = Sweeps()
        #expect(sweeps.rest(at: start) == .zero)
        sweep(&sweeps, for: .milliseconds(9), .success(Sweep(jobs: [])))
        #expect(sweeps.rest(at: start) == .milliseconds(9 * 19) && !sweeps.areLong)
        sweep(&sweeps, for: .seconds(100), .success(Sweep(jobs: [])))
        #expect(sweeps.rest(at: start) == .seconds(4900) && sweeps.areLong)
    }

    @Test func `One that finds what the list has lost comes again sooner`() {
        var sweeps = Sweeps()
        let late = Sweep(jobs: [.sample(waited: 2_000_000)])
        sweep(&sweeps, for: .seconds(100), .success(late))
        #expect(sweeps.findLost && sweeps.rest(at: start) == .seconds(100))
        // Those that come by the list are as late.
        sweeps.note(announced: [.sample(waited: 1_500_000)])
        sweep(&sweeps, for: .seconds(100), .success(late))
        #expect(!sweeps.findLost)
        // Where the list gives nothing at all, their announcements should have been there.
        let fresh = Sweep(jobs: [.sample(waited: 150_000)])
        sweep(&sweeps, for: .seconds(100), .success(fresh))
        #expect(!sweeps.findLost)
        sweep(&sweeps, for: .seconds(100), .success(fresh), listIsEmpty: true)
        #expect(sweeps.findLost && sweeps.rest(at: start) == .seconds(100))
        // Behind as many as were asked for there may be older ones that are less urgent.
        let urgent = (0..<5).map { _ in ClaimedJob.sample(waited: 50_000) }
        sweep(&sweeps, for: .seconds(100), .success(Sweep(jobs: urgent)), listIsEmpty: true)
        #expect(sweeps.findLost)
        let last = Sweep(jobs: Array(urgent.dropLast()))
        sweep(&sweeps, for: .seconds(100), .success(last), listIsEmpty: true)
        #expect(!sweeps.findLost)
        sweep(&sweeps, for: .seconds(100), .success(Sweep(jobs: urgent)), listIsEmpty: true)
        #expect(!sweeps.findLost)
    }

    @Test func `The one that is waited for and the one beside the loop are told apart`() {
        var sweeps = Sweeps()
        _ = sweeps.start(.idle, upTo: 3, flies: true)
        #expect(sweeps.areFlying)
        _ = sweeps.start(.turn, upTo: 5, flies: false)
        let awaited = end(&sweeps, flown: false)
        #expect(awaited?.limit == 5 && sweeps.areFlying)
        let flown = end(&sweeps, flown: true)
        #expect(flown?.purpose == .idle && !sweeps.areFlying)
        let none = end(&sweeps, flown: true)
        #expect(none?.limit == nil)
    }

    private func sweep(
        _ sweeps: inout Sweeps, for time: Duration, _ result: Result<Sweep, StoreError>,
        listIsEmpty: Bool = false
    ) {
        _ = sweeps.start(.turn, upTo: 5, flies: false)
        let answer = ClaimLoop.SweepAnswer(
            result: result, asked: start - time, answered: start)
        _ = sweeps.end(
            flown: false, answer, of: [.defaultQueue], listIsEmpty: listIsEmpty)
    }

    private func end(_ sweeps: inout Sweeps, flown: Bool) -> Sweeps.Asked? {
        let answer = ClaimLoop.SweepAnswer(
            result: .success(Sweep(jobs: [])), asked: start, answered: start)
        return sweeps.end(
            flown: flown, answer, of: [.defaultQueue], listIsEmpty: false)
    }
}
