import Testing

@testable import Tasq

@Suite struct SearchTests {
    @Test func `A sweep that fails rests, and goes beside the takes when it took its time`() {
        var search = Search()
        let now = search.clock.now
        search.noteFailedSweep(from: now - .milliseconds(1), to: now)
        #expect(search.restsFromSweep && !search.sweepFlies)
        search.noteFailedSweep(from: now - .seconds(30), to: now)
        #expect(search.restsFromSweep && search.sweepFlies)
    }

    @Test func `New kinds make it look at the table anew`() {
        var search = Search()
        let id = JobID()
        search.isFilled = true
        _ = search.passedOn.insert(id)
        search.noteKinds(["a"])
        #expect(search.kinds == ["a"] && !search.isFilled && search.lastSweep == nil)
        let isPassedOnAgain = search.passedOn.insert(id)
        #expect(isPassedOnAgain)
    }

    @Test func `A sweep that took long is followed by a rest`() {
        var search = Search()
        #expect(!search.restsFromSweep)
        let now = search.clock.now
        search.noteSweep(of: [], from: now - .seconds(100), to: now)
        #expect(search.restsFromSweep)
        #expect(search.sweepRest > .seconds(1000))
    }

    @Test func `One that finds what the list has lost comes again sooner`() {
        var search = Search()
        let now = search.clock.now
        search.noteSweep(of: [job(waited: 2_000_000)], from: now - .seconds(100), to: now)
        #expect(search.sweepsAgain)
        #expect(search.sweepRest <= .seconds(100))
    }

    @Test func `Ids that lead nowhere are counted until the list is ahead again`() {
        var search = Search()
        search.noteStale(8, of: 8)
        search.noteStale(15, of: 16)
        #expect(search.stale == 23)
        search.noteStale(5000, of: 5000)
        #expect(search.stale == Worker.claimLimit)
        search.noteStale(4, of: 8)
        #expect(search.stale == 0)
    }

    private func job(waited: Int64) -> ClaimedJob {
        ClaimedJob(
            id: JobID(), claim: ClaimToken(), kind: Name(unchecked: "run"), queue: .defaultQueue,
            priority: .default, attempt: 1, maxAttempts: 3, crashes: 0, key: nil,
            payloadID: PayloadID(), source: nil, payload: Payload([]), waitedMicroseconds: waited)
    }
}
