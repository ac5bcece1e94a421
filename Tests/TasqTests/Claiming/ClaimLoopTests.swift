import Testing

@testable import Tasq

@Suite struct ClaimLoopTests {
    private let queue = Name.defaultQueue
    private let ids = (1...20).map { JobID(high: 0, low: $0) }

    @Test func `A worker looks at the table first, then takes what it has room for`() throws {
        var talk = try Talk()
        #expect(talk.round() == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(3, free: 5) == .take(upTo: 5, wait: .seconds(1)))
        let few = Array(ids.prefix(2))
        #expect(talk.taken(few) == .claim(few, flies: false))
        #expect(talk.after(.claimed(few.map { .sample($0) })) == .wait(until: nil))
        #expect(talk.loop.leftovers.isEmpty)
    }

    @Test func `Of three claims two go on beside the takes`() throws {
        var talk = try Talk(slots: 20)
        _ = talk.round(free: 20)
        _ = talk.swept(0, free: 20)
        for (number, free) in [20, 15, 10].enumerated() {
            let some = Array(ids.dropFirst(5 * number).prefix(5))
            #expect(talk.taken(some) == .claim(some, flies: number < 2))
            guard number < 2 else { break }
            // They came together, and left none on the list.
            #expect(talk.after(.done) == .wait(until: talk.now + ClaimPlan.pace))
            #expect(talk.round(free: free - 5) == .take(upTo: free - 5, wait: .milliseconds(100)))
        }
    }

    @Test func `An id that a claim missed is looked at after a while, and announced again`()
        throws
    {
        var talk = try Talk()
        talk.goToTake()
        let two = Array(ids.prefix(2))
        _ = talk.taken(two)
        #expect(talk.after(.claimed([.sample(two[0])])) == .wait(until: nil))
        #expect(talk.loop.leftovers == [two[1]])
        talk.now += .milliseconds(99)
        #expect(talk.round() == .take(upTo: 8, wait: .milliseconds(100)))
        _ = talk.taken([])
        _ = talk.swept(0)
        talk.now += .milliseconds(1)
        #expect(talk.round() == .lookAgain([two[1]], areMissed: true))
        let job = QueuedJob.sample(two[1])
        #expect(talk.after(.stillQueued([job], foreign: [])) == .ring([job.announcement]))
        #expect(talk.after(.done) == .take(upTo: 8, wait: .seconds(2)))
        #expect(talk.loop.leftovers.isEmpty)
    }

    @Test func `A row that stays locked is announced again less and less often`() {
        var talk = Talk.atDesk()
        let job = QueuedJob.sample(ids[0])
        _ = talk.round(free: 3, kinds: [])
        for delay in [100, 200, 400, 800, 1600, 2000, 2000] {
            _ = talk.taken([ids[0]], kinds: [])
            _ = talk.after(.claimed([]))
            talk.now += .milliseconds(delay - 1)
            #expect(talk.round(free: 3, kinds: []) == .take(upTo: 3, wait: .milliseconds(100)))
            #expect(talk.taken([], kinds: []) == .wait(until: nil))
            talk.now += .milliseconds(1)
            #expect(talk.round(free: 3, kinds: []) == .lookAgain([ids[0]], areMissed: true))
            #expect(talk.after(.stillQueued([job], foreign: [])) == .ring([job.announcement]))
            _ = talk.after(.done)
        }
    }

    @Test func `An id of a foreign kind is announced again once`() throws {
        var talk = try Talk()
        talk.goToTake()
        let foreign = QueuedJob.sample(ids[0]).announcement
        for isFirst in [true, false] {
            _ = talk.taken([ids[0]])
            _ = talk.after(.claimed([]))
            talk.now += TakenIDs.missedDelay
            #expect(talk.round() == .lookAgain([ids[0]], areMissed: true))
            let next = talk.after(.stillQueued([], foreign: [foreign]))
            guard isFirst else {
                #expect(next == .take(upTo: 8, wait: .seconds(1)))
                continue
            }
            #expect(next == .ring([foreign]))
            _ = talk.after(.done)
        }
    }

    @Test func `While the doorbell is out the table is swept, at once and in every round`() throws {
        var talk = try Talk()
        talk.goToTake()
        #expect(talk.taken(nil) == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(0).isPause)
        #expect(talk.after(.done) == .wait(until: nil))
        for found in [3, 1, 0] {
            #expect(
                talk.round(isDoorbellOut: true) == .sweep(upTo: 8, behind: [:], flies: false))
            #expect(talk.swept(found).isPause == (found == 0))
        }
        _ = talk.after(.done)
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(2)))
        _ = talk.taken([])
        #expect(!talk.loop.doorbellIsOut)
    }

    @Test func `A failure is told once, and claims that nobody knows of are looked for after it`()
        throws
    {
        var talk = try Talk()
        let failure = StoreError.unavailable("away")
        _ = talk.round()
        #expect(talk.after(.failed(failure)).told == failure)
        for _ in 0..<2 {
            #expect(talk.after(.done) == .wait(until: nil))
            #expect(talk.round() == .audit)
            let again = talk.after(.failed(failure))
            #expect(again.isPause && again.told == nil)
        }
        _ = talk.after(.done)
        _ = talk.round()
        #expect(talk.after(.done) == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.loop.owesAudit)
    }

    @Test func `An answer that cannot be read is the end, also one to a claim beside the loop`()
        throws
    {
        let failure = StoreError.unreadable("column 1")
        var talk = try Talk(slots: 20)
        _ = talk.round(free: 20)
        var beside = talk
        #expect(talk.after(.failed(failure)) == .giveUp(failure))
        #expect(talk.loop.owesAudit)
        _ = beside.swept(0, free: 20)
        let few = Array(ids.prefix(5))
        #expect(beside.taken(few) == .claim(few, flies: true))
        _ = beside.after(.done)
        let answer = ClaimLoop.ClaimAnswer(ids: few, result: .failure(failure))
        let landed = ClaimLoop.Landed(claims: [answer])
        #expect(beside.round(free: 20, landed: landed) == .giveUp(failure))
        #expect(beside.loop.leftovers == few)
    }

    @Test func `Suspects have the turn that the store gives, once for each that a sweep tells of`()
        throws
    {
        var talk = try Talk()
        _ = talk.round()
        #expect(talk.swept(0, suspects: queue) == .take(upTo: 8, wait: .milliseconds(100)))
        _ = talk.taken([])
        _ = talk.swept(0)
        #expect(talk.round() == .askTurn)
        let turn = SuspectsTurn(queue: queue, left: .seconds(1))
        #expect(
            talk.after(.turn(turn, asked: talk.now))
                == .runSuspects(from: [queue], until: talk.now + .seconds(1)))
        let time = ClaimLoop.SuspectsTime(isOver: true, claimed: 1, isLast: false)
        #expect(talk.after(.ranSuspects(time)) == .wait(until: nil))
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(2)))
        _ = talk.taken([])
        _ = talk.swept(0, suspects: queue)
        #expect(talk.round() == .askTurn)
        #expect(talk.after(.turn(nil, asked: talk.now)) == .take(upTo: 8, wait: .seconds(1)))
    }

    @Test func `By the list alone a suspect runs as soon as it is known, and is not announced`()
        throws
    {
        var talk = try Talk(.push)
        #expect(talk.round() == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(0) == .wait(until: nil))
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(2)))
        _ = talk.taken([ids[0]])
        #expect(talk.after(.claimed([])) == .wait(until: nil))
        talk.now += TakenIDs.missedDelay
        _ = talk.round()
        let suspect = QueuedJob.sample(ids[0], isSuspect: true)
        #expect(
            talk.after(.stillQueued([suspect], foreign: []))
                == .take(upTo: 8, wait: .milliseconds(100)))
        #expect(talk.loop.leftovers == [ids[0]])
        _ = talk.taken([])
        #expect(talk.round() == .runSuspects(from: [queue], until: nil))
        #expect(talk.after(.ranSuspects(.init())) == .take(upTo: 8, wait: .milliseconds(100)))
    }

    @Test func `Old ids are looked at many at a time, and what there is no room for is rung`()
        throws
    {
        var talk = try Talk(slots: 2)
        _ = talk.round(free: 2)
        #expect(talk.swept(0, free: 2) == .take(upTo: 2, wait: .seconds(1)))
        for limit in [2, 8] {
            _ = talk.taken(Array(ids.prefix(2)))
            _ = talk.after(.claimed([]))
            #expect(talk.round(free: 2) == .take(upTo: limit, wait: .milliseconds(100)))
        }
        let many = Array(ids.dropFirst(2).prefix(8))
        #expect(talk.taken(many) == .lookAgain(many, areMissed: false))
        let left = [many[1], many[4], many[6]].map { QueuedJob.sample($0) }
        #expect(
            talk.after(.stillQueued(left.reversed(), foreign: []))
                == .ring([left[2].announcement]))
        #expect(talk.after(.done) == .claim([many[1], many[4]], flies: false))
    }

    @Test func `Other kinds are declared before anything is claimed, and looked for in the table`()
        throws
    {
        var talk = try Talk()
        talk.goToTake()
        #expect(talk.after(.taken([ids[0]], kinds: ["a", "b"])) == .wait(until: nil))
        #expect(talk.loop.leftovers == [ids[0]])
        #expect(talk.round(kinds: ["a", "b"]) == .declare(["a", "b"]))
        #expect(talk.after(.done) == .claim([ids[0]], flies: false))
        _ = talk.after(.claimed([.sample(ids[0])]))
        #expect(talk.round(kinds: ["a", "b"]) == .sweep(upTo: 8, behind: [:], flies: false))
    }

    @Test func `A long sweep goes on beside the takes, into a few slots`() throws {
        var talk = try Talk(slots: 16)
        _ = talk.round(free: 16)
        _ = talk.swept(0, free: 16, took: .milliseconds(20))
        _ = talk.taken([ids[0]])
        #expect(talk.after(.claimed([.sample(ids[0])])) == .wait(until: nil))
        talk.now += .seconds(2)
        #expect(talk.round(free: 16) == .sweep(upTo: 2, behind: [:], flies: true))
        #expect(talk.after(.done) == .take(upTo: 14, wait: .milliseconds(100)))
        #expect(talk.taken([]) == .wait(until: nil))
        #expect(talk.round(free: 14) == .take(upTo: 14, wait: .milliseconds(100)))
    }

    @Test func `An idle worker waits longer each time, up to five poll intervals`() throws {
        var talk = try Talk()
        var next = talk.goToTake()
        for seconds in [1, 2, 4, 5, 5] {
            #expect(next == .take(upTo: 8, wait: .seconds(seconds)))
            _ = talk.taken([])
            #expect(talk.swept(0) == .wait(until: nil))
            next = talk.round()
        }
    }

    @Test func `Without a doorbell there is nothing but the table`() throws {
        var talk = try Talk(rings: false)
        for found in [2, 0, 1] {
            #expect(talk.round() == .sweep(upTo: 8, behind: [:], flies: false))
            #expect(talk.swept(found).isPause == (found == 0))
            if found == 0 { _ = talk.after(.done) }
        }
    }

    @Test func `A desk's loop takes for those who wait, and gives back the rest at once`() {
        var talk = Talk.atDesk()
        #expect(talk.round(free: 3, kinds: []) == .take(upTo: 3, wait: .milliseconds(500)))
        let two = Array(ids.prefix(2))
        #expect(talk.taken(two, kinds: []) == .claim(two, flies: false))
        #expect(talk.after(.claimed([.sample(two[0])])) == .wait(until: nil))
        #expect(talk.loop.hasMissed)
        #expect(talk.round(free: 0, kinds: []) == .lookAgain([two[1]], areMissed: true))
        // One that nobody here is to have is for others, also a suspect.
        let job = QueuedJob.sample(two[1], isSuspect: true)
        #expect(talk.after(.stillQueued([job], foreign: [])) == .ring([job.announcement]))
        #expect(talk.after(.done) == .wait(until: nil))
        _ = talk.round(free: 3, kinds: [])
        #expect(talk.taken(nil, kinds: []).isPause)
        #expect(talk.loop.doorbellIsOut)
        #expect(talk.after(.done) == .wait(until: nil))
    }

    @Test func `A desk keeps what it missed until a take succeeds, unless nobody waits there`() {
        var talk = Talk.atDesk()
        _ = talk.round(free: 3, kinds: [])
        _ = talk.taken([ids[0]], kinds: [])
        #expect(talk.after(.claimed([])) == .wait(until: nil))
        for _ in 0..<2 {
            #expect(talk.round(free: 3, kinds: []) == .take(upTo: 3, wait: .milliseconds(100)))
            #expect(talk.taken(nil, kinds: []).isPause)
            #expect(talk.after(.done) == .wait(until: nil))
            talk.now += TakenIDs.missedDelay
        }
        #expect(talk.loop.leftovers == [ids[0]])
        var alone = talk
        #expect(alone.round(free: 0, kinds: []) == .lookAgain([ids[0]], areMissed: true))
        _ = talk.round(free: 3, kinds: [])
        #expect(talk.taken([], kinds: []) == .wait(until: nil))
        #expect(talk.round(free: 3, kinds: []) == .lookAgain([ids[0]], areMissed: true))
    }
}
