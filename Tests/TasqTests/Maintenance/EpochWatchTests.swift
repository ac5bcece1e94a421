import Testing

@testable import Tasq

@Suite struct EpochWatchTests {
    private let known = Epoch(
        database: StoreIdentity(epoch: "e", place: "1-2", system: "9", name: "mine/tasq"),
        counter: 7)
    private let theirs = "f:3:9.1-4:theirs/tasq"
    private let a = Name(unchecked: "a")
    private let b = Name(unchecked: "b")
    private let c = Name(unchecked: "c")

    @Test(arguments: [
        (nil, true), ("e:6", true), ("e:7", false), ("e:8", false), ("f:7", true), ("e", true),
        ("e:", true), ("e:x", true), ("", true), ("e:7:9.1-2:mine/tasq", false),
        ("e:6:9.1-2:mine/tasq", true), ("e:7:9.1-4:copy/tasq", true),
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
        #expect(watch.endedOutage && !watch.hasForgotten)
        #expect(watch.look(at: .whole("e:7"), since: known) == nil)
        #expect(!watch.endedOutage)
        watch.noteOutage()
        #expect(watch.look(at: .whole(nil), since: known) == .everything)
        #expect(watch.endedOutage && watch.hasForgotten)
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

    @Test func `The mark of an old file is taken over once, and its lists are left`() {
        var watch = EpochWatch()
        #expect(watch.look(at: .whole(theirs), since: known) == .everything)
        #expect(watch.keepsLists && watch.sharer == nil)
        for _ in 0..<100 {
            #expect(watch.look(at: .whole("e:7"), since: known) == nil)
            #expect(watch.sharer == nil && !watch.keepsLists)
        }
        #expect(watch.look(at: .whole(nil), since: known) == .everything)
        #expect(!watch.keepsLists, "it is ours alone again")
    }

    @Test func `A foreign mark after ours means that the doorbell is shared, and nothing else`() {
        var watch = EpochWatch()
        #expect(watch.look(at: .whole(theirs), since: known) == .everything)
        for _ in 0..<1000 {
            #expect(watch.look(at: .whole(theirs), since: known) == nil)
            #expect(watch.sharer == "theirs/tasq")
            #expect(watch.look(at: .whole("e:7"), since: known) == nil)
            #expect(watch.sharer == nil)
        }
    }

    @Test func `What is lost while the doorbell is shared is announced, beside what is there`() {
        var watch = EpochWatch()
        for _ in 0..<3 { _ = watch.look(at: .whole(theirs), since: known) }
        #expect(watch.look(at: .whole(nil), since: known) == .everything)
        #expect(watch.keepsLists)
        watch.noteOutage()
        #expect(watch.look(at: .whole(theirs), since: known) == .everything)
        #expect(watch.keepsLists && watch.endedOutage)
    }

    @Test func `After thirty looks without a foreign mark it is ours alone`() {
        var watch = EpochWatch()
        for _ in 0..<3 { _ = watch.look(at: .whole(theirs), since: known) }
        for _ in 0..<29 { #expect(watch.look(at: .whole("e:7"), since: known) == nil) }
        #expect(watch.look(at: .whole(theirs), since: known) == nil, "not yet")
        for _ in 0..<30 { #expect(watch.look(at: .whole("e:7"), since: known) == nil) }
        #expect(watch.look(at: .whole(theirs), since: known) == .everything)
        #expect(watch.sharer == nil)
    }

    @Test func `Thirty looks in a row show that nobody else is there`() {
        var watch = EpochWatch()
        func look(_ mark: String?, _ count: Int) {
            for _ in 0..<count { _ = watch.look(at: .whole(mark), since: known) }
        }
        #expect(!watch.isAlone)
        look("e:7", 29)
        #expect(!watch.isAlone)
        look(nil, 1)
        #expect(watch.isAlone)
        look(theirs, 1)
        #expect(!watch.isAlone, "an old file's ids are not ours either")
        look(theirs, 100)
        look("e:7", 29)
        #expect(!watch.isAlone)
        look("e:7", 1)
        #expect(watch.isAlone)
        watch.noteAbsence()
        #expect(!watch.isAlone)
        let marks: [Name: EpochMark] = [a: .replaced(theirs), b: .replaced("e:7")]
        for _ in 0..<100 { _ = watch.look(at: .parts(marks), since: known) }
        #expect(!watch.isAlone)
        let unread: [Name: EpochMark] = [a: .unreachable, b: .replaced("e:7")]
        for _ in 0..<100 { _ = watch.look(at: .parts(unread), since: known) }
        #expect(!watch.isAlone)
    }

    @Test func `In a cluster each queue is judged by itself`() {
        var watch = EpochWatch()
        let first: [Name: EpochMark] = [a: .replaced(theirs), b: .replaced("e:7")]
        #expect(watch.look(at: .parts(first), since: known) == .queues([a]))
        #expect(watch.keepsLists && watch.sharer == nil)
        let second: [Name: EpochMark] = [a: .replaced(theirs), b: .replaced(theirs)]
        #expect(watch.look(at: .parts(second), since: known) == .queues([b]))
        #expect(watch.sharer == "theirs/tasq")
        #expect(watch.look(at: .parts(second), since: known) == nil)
        let third: [Name: EpochMark] = [a: .replaced(nil), b: .replaced("e:7")]
        #expect(watch.look(at: .parts(third), since: known) == .queues([a]))
        #expect(watch.keepsLists)
    }

    private func held(_ number: UInt32, counter: Int64) -> Epoch {
        Epoch(database: known.database, counter: counter, number: number)
    }

    @Test func `A copy of this database's files makes one refill, which clears nothing`() {
        var watch = EpochWatch()
        var (refills, told) = (0, 0)
        for counter in Int64(0)..<1000 {
            let mine = held(1, counter: 5000 + counter)
            let mark = counter == 0 ? mine.mark : held(2, counter: 3000 + counter).mark
            if let lost = watch.look(at: .whole(mark), since: mine) {
                #expect(lost == .everything && watch.keepsLists)
                refills += 1
            }
            if watch.sharer != nil { told += 1 }
        }
        #expect(refills == 1 && told == 990)
        #expect(!watch.isAlone)
    }

    @Test func `The copy whose marks are older finds nothing forgotten`() {
        var watch = EpochWatch()
        for counter in Int64(0)..<100 {
            let mark = held(1, counter: 5000 + counter).mark
            let lost = watch.look(at: .whole(mark), since: held(2, counter: 3000 + counter))
            #expect(lost == nil)
        }
        #expect(watch.sharer == known.database.name)
    }

    @Test func `Whoever takes the term goes by the mark of whoever held it before`() {
        var watch = EpochWatch()
        for number in UInt32(1)...40 {
            let mark = held(number - 1, counter: 7).mark
            #expect(watch.look(at: .whole(mark), since: held(number, counter: 7)) == nil)
            watch.noteAbsence()
        }
        let older = held(40, counter: 6).mark
        #expect(watch.look(at: .whole(older), since: held(41, counter: 7)) == .everything)
        #expect(watch.sharer == nil && !watch.keepsLists)
    }

    @Test func `Whoever does not know yet that another took the term is not told of`() {
        var watch = EpochWatch()
        let mine = held(2, counter: 7)
        for _ in 0..<9 {
            _ = watch.look(at: .whole(held(1, counter: 9).mark), since: mine)
            #expect(watch.sharer == nil)
        }
        for _ in 0..<EpochWatch.quietLooks {
            #expect(watch.look(at: .whole(mine.mark), since: mine) == nil)
        }
        #expect(watch.isAlone)
        for _ in 0..<9 { _ = watch.look(at: .whole(held(3, counter: 9).mark), since: mine) }
        #expect(watch.sharer == nil)
    }

    @Test func `Marks without a number, as of before, go by their counter`() {
        var watch = EpochWatch()
        let mine = held(1, counter: 7)
        for _ in 0..<5 {
            #expect(watch.look(at: .whole("e:7:9.1-2:mine/tasq"), since: mine) == nil)
            #expect(watch.look(at: .whole("e:6:9.1-2:mine/tasq"), since: mine) == .everything)
            #expect(watch.sharer == nil && !watch.keepsLists)
        }
    }

    @Test func `What was forgotten twice is announced once`() {
        typealias Forgotten = EpochWatch.Forgotten
        #expect(Forgotten.queues([a]).joined(with: nil) == .queues([a]))
        #expect(Forgotten.queues([a]).joined(with: .queues([b])) == .queues([a, b]))
        #expect(Forgotten.queues([a]).joined(with: .everything) == .everything)
        #expect(Forgotten.everything.joined(with: nil) == .everything)
    }
}
