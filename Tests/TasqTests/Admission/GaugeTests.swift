import Testing

@testable import Tasq

@Suite struct GaugeTests {
    private func gauge(
        depth: Int? = 10, age: Duration? = nil, level: Int = 0, oldest: Duration? = nil
    ) throws -> Gauge {
        var gauge = Gauge(try standing(depth, age, level, oldest))
        gauge.take(try standing(depth, age, level, oldest), isKnown: true, since: 0)
        return gauge
    }

    private func standing(
        _ depth: Int?, _ age: Duration?, _ level: Int, _ oldest: Duration?
    ) throws -> LimitStanding {
        LimitStanding(
            limit: try FlowLimit(queue: .defaultQueue, maxDepth: depth, maxAge: age),
            isConfigured: false, updatedAt: .now, updatedBy: "test", level: level,
            oldestWait: oldest)
    }

    private func demand(_ due: Int, later: Int = 0, isEvent: Bool = false) -> Demand {
        Demand(queue: .defaultQueue, jobs: due + later, due: due, isEvent: isEvent)
    }

    @Test func `Jobs go in as far as the limit, and not one further`() throws {
        let gauge = try gauge(level: 7)
        #expect(gauge.refusal(of: demand(3)) == nil)
        let refusal = try #require(gauge.refusal(of: demand(4)))
        #expect(refusal.cause == .depth && refusal.level == 7)
        let delay = try #require(refusal.retryAfter)
        #expect(delay >= .seconds(1) && delay <= .seconds(10))
    }

    @Test func `What is on its way counts, and what was not stored does not`() throws {
        var gauge = try gauge(level: 5)
        gauge.begin(4)
        #expect(gauge.level == 9)
        #expect(gauge.refusal(of: demand(2))?.cause == .depth)
        // Three were stored, one was a duplicate.
        gauge.end(4)
        gauge.store(3)
        #expect(gauge.level == 8)
        #expect(gauge.refusal(of: demand(2)) == nil)
    }

    @Test func `A look forgets what was stored before it began, and nothing behind that`() throws {
        var gauge = try gauge(level: 0)
        gauge.begin(2)
        gauge.end(2)
        gauge.store(2)
        let mark = gauge.mark
        // While the look is made.
        gauge.begin(3)
        gauge.end(3)
        gauge.store(3)
        gauge.begin(1)
        gauge.take(try standing(10, nil, 2, nil), isKnown: true, since: mark)
        #expect(gauge.level == 2 + 3 + 1)
    }

    @Test func `A level never falls below what was looked at`() throws {
        var gauge = try gauge(level: 4)
        // Of a job that was let in before anybody knew of the limit.
        gauge.end(3)
        #expect(gauge.level == 4)
    }

    @Test func `Jobs of later fill nothing, and a full queue refuses them`() throws {
        #expect(try gauge(level: 9).refusal(of: demand(0, later: 50)) == nil)
        #expect(try gauge(level: 10).refusal(of: demand(0, later: 1))?.cause == .depth)
    }

    @Test func `A batch that never fits is refused for good, an event waits for room`() throws {
        let refusal = try #require(try gauge(level: 0).refusal(of: demand(11)))
        #expect(refusal.cause == .batch && refusal.retryAfter == nil)
        #expect(refusal.description.contains("never"))
        #expect(try gauge(level: 0).refusal(of: demand(11, isEvent: true)) == nil)
        #expect(try gauge(level: 1).refusal(of: demand(11, isEvent: true))?.cause == .depth)
    }

    @Test func `The oldest job's age is a limit of its own`() throws {
        let old = try gauge(depth: nil, age: .seconds(60), oldest: .seconds(61))
        let refusal = try #require(old.refusal(of: demand(1)))
        #expect(refusal.cause == .age && refusal.oldestWait == .seconds(61))
        let young = try gauge(depth: nil, age: .seconds(60), oldest: .seconds(60))
        #expect(young.refusal(of: demand(1000)) == nil)
        #expect(try gauge(depth: nil, age: .seconds(60)).refusal(of: demand(1)) == nil)
    }

    @Test func `That it refuses is said once a minute, and that it relents only behind that`()
        throws
    {
        let start = ContinuousClock.now
        var gauge = try gauge(level: 10)
        let (full, open) = (try standing(10, nil, 10, nil), try standing(10, nil, 3, nil))
        // Refusing goes on, and it is full; then it has room.
        var said = [gauge.refuse(at: start), gauge.refuse(at: start), gauge.relent()]
        gauge.take(open, isKnown: true, since: 0)
        said += [gauge.relent(), gauge.relent()]
        #expect(said == [true, false, false, true, false])
        // It was said a moment ago, so nobody is told of the end either.
        gauge.take(full, isKnown: true, since: 0)
        said = [gauge.refuse(at: start + .seconds(59))]
        gauge.take(open, isKnown: true, since: 0)
        said.append(gauge.relent())
        #expect(said == [false, false])
        gauge.take(full, isKnown: true, since: 0)
        said = [gauge.refuse(at: start + .seconds(60))]
        // Its level was not looked at, as nobody puts jobs in.
        gauge.take(open, isKnown: false, since: 0)
        said += [gauge.relent(), gauge.relent(isGone: true)]
        #expect(said == [true, false, true])
    }

    @Test func `A batch that does not fit beside others is no sign of a full queue`() throws {
        var gauge = try gauge(level: 9)
        #expect(gauge.refusal(of: demand(5)) != nil)
        let isSaid = gauge.refuse(at: .now)
        #expect(!isSaid)
    }
}

@Suite struct DemandTests {
    private func job(_ queue: String, _ start: Start = .now) throws -> NewJob {
        try NewJob(kind: Name("noop"), queue: Name(queue), start: start, payload: Payload([]))
    }

    @Test func `Jobs are counted by queue, in the order in which the queues come`() throws {
        let jobs = [
            try job("b"), try job("a"), try job("b"), try job("a", .after(.seconds(60))),
            try job("b"),
        ]
        #expect(
            Demand.all(of: jobs) == [
                Demand(queue: try Name("b"), jobs: 3, due: 3, isEvent: false),
                Demand(queue: try Name("a"), jobs: 2, due: 1, isEvent: false),
            ])
        #expect(Demand.all(of: []) == [])
    }
}
