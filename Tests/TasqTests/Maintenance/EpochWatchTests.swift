import Testing

@testable import Tasq

@Suite struct EpochWatchTests {
    private let known = Epoch(name: "e", counter: 7)
    private let a = Name(unchecked: "a")
    private let b = Name(unchecked: "b")
    private let c = Name(unchecked: "c")

    @Test(arguments: [
        (nil, true), ("e:6", true), ("e:7", false), ("e:8", false), ("f:7", true), ("e", true),
        ("e:", true), ("e:x", true), ("", true),
    ])
    func `A mark that is missing, older or another's means that all was forgotten`(
        mark: String?, isForgotten: Bool
    ) {
        var watch = EpochWatch()
        #expect(watch.look(at: .whole(mark), since: known) == (isForgotten ? .everything : nil))
        #expect(!watch.endedOutage)
    }

    @Test func `After an outage all is announced, once`() {
        var watch = EpochWatch()
        watch.noteOutage()
        watch.noteOutage()
        #expect(watch.look(at: .whole("e:7"), since: known) == .everything)
        #expect(watch.endedOutage)
        #expect(watch.look(at: .whole("e:7"), since: known) == nil)
        #expect(!watch.endedOutage)
    }

    @Test func `Of several places only what they forgot is announced`() {
        var watch = EpochWatch()
        let marks: [Name: EpochMark] = [
            a: .replaced("e:7"), b: .replaced(nil), c: .replaced("e:3"),
        ]
        #expect(watch.look(at: .parts(marks), since: known) == .queues([b, c]))
        #expect(!watch.endedOutage)
        #expect(watch.look(at: .parts([a: .replaced("e:9")]), since: known) == nil)
        #expect(watch.look(at: .parts([:]), since: known) == nil)
    }

    @Test func `A place that was out of order is announced when it is back`() {
        var watch = EpochWatch()
        let out: [Name: EpochMark] = [a: .unreachable, b: .replaced("e:7")]
        #expect(watch.look(at: .parts(out), since: known) == nil)
        #expect(watch.look(at: .parts(out), since: known) == nil)
        let back: [Name: EpochMark] = [a: .replaced("e:7"), b: .replaced("e:7")]
        #expect(watch.look(at: .parts(back), since: known) == .queues([a]))
        #expect(watch.endedOutage)
        #expect(watch.look(at: .parts(back), since: known) == nil)
        watch.noteOutage()
        #expect(
            watch.look(at: .parts(out), since: known) == .queues([b]), "a is not back yet")
        #expect(watch.look(at: .parts(back), since: known) == .queues([a]))
    }

    @Test func `A queue that nobody serves any more is forgotten`() {
        var watch = EpochWatch()
        #expect(watch.look(at: .parts([a: .unreachable]), since: known) == nil)
        #expect(watch.look(at: .parts([b: .replaced("e:7")]), since: known) == nil)
        #expect(
            watch.look(at: .parts([a: .replaced("e:7"), b: .replaced("e:7")]), since: known) == nil)
    }

    @Test func `What was forgotten twice is announced once`() {
        typealias Forgotten = EpochWatch.Forgotten
        #expect(Forgotten.queues([a]).joined(with: nil) == .queues([a]))
        #expect(Forgotten.queues([a]).joined(with: .queues([b])) == .queues([a, b]))
        #expect(Forgotten.queues([a]).joined(with: .everything) == .everything)
        #expect(Forgotten.everything.joined(with: nil) == .everything)
    }
}
