import Testing

@testable import TasqChaos

/// Which runs go on beside each other, in which order, and for how long.
struct RotaTests {
    @Test func `One at a time they come seed by seed, in the order they were asked for`() {
        var rota = Rota(runs(["redis-kill", "calm"], seeds: 2), atOnce: 1)
        var order: [String] = []
        while let run = rota.next() {
            order.append("\(run.fault) \(run.seed)")
            #expect(!run.isBeside)
            #expect(rota.next() == nil)
            rota.ended()
        }
        #expect(order == ["redis-kill 1", "calm 1", "redis-kill 2", "calm 2"])
    }

    @Test(arguments: 2...5)
    func `So many go on at once and no more, and what wants the machine alone has it`(
        atOnce: Int
    ) {
        let all = runs(
            ["calm", "redis-lose-hints", "order", "hang", "worker-kill", "swizzle"], seeds: 3)
        var random = SeededGenerator(seed: UInt64(atOnce))
        var rota = Rota(all, atOnce: atOnce)
        var (underway, made): ([Run], [Run]) = ([], [])
        var most = 0
        while made.count < all.count {
            while let run = rota.next() { underway.append(run) }
            // Nothing stands still while there is something to do.
            guard !underway.isEmpty else { break }
            most = max(most, underway.count)
            #expect(underway.count <= atOnce)
            #expect(underway.count == 1 || underway.allSatisfy { !$0.isApart })
            #expect(underway.allSatisfy { $0.isBeside != $0.isApart })
            made.append(underway.remove(at: Int.random(in: 0..<underway.count, using: &random)))
            rota.ended()
        }
        #expect(most == min(atOnce, 4))
        #expect(made.count == all.count)
        #expect(Set(made.map { "\($0.fault) \($0.seed)" }).count == all.count)
    }

    @Test func `What shows nothing beside others is made again alone, after all of them`() {
        var rota = Rota(runs(["calm", "redis-kill", "order"], seeds: 1), atOnce: 2)
        let first = rota.next()
        _ = rota.next()
        rota.ended()
        first.map { rota.again($0) }
        #expect(rota.next()?.fault == "order")
        // Neither of those that are under way may still be.
        #expect(rota.next() == nil)
        rota.ended()
        #expect(rota.next() == nil)
        rota.ended()
        let last = rota.next()
        #expect(last?.fault == "calm" && last?.isApart == true && last?.isBeside == false)
        rota.ended()
        #expect(rota.next() == nil)
    }

    @Test func `Only what others can have moved is asked again`() throws {
        func report(
            _ rate: Double, isBeside: Bool = true, repeated: Double = 0, found: [String] = []
        ) throws -> Report {
            let fault = try #require(Fault.named("redis-duplicate-hints"))
            var plan = Plan(fault: fault, seed: 1, jobs: 10_000, workers: 3, profile: .test)
            plan.isBeside = isBeside
            let others = plan.limits.filter { $0.figure != "rate during, share" }
            let figures =
                others.map { Figure(name: $0.figure, value: $0.most ?? $0.least ?? 0) }
                .filter { $0.name != "runs repeated" } + [
                    Figure(name: "rate during, share", value: rate, unit: "%"),
                    Figure(name: "runs repeated", value: repeated),
                ]
            let findings = found.map { Finding(invariant: $0, count: 1, examples: []) }
            return Report(plan: plan, findings: findings, figures: figures)
        }
        #expect(try report(80).isMoved)
        #expect(try !report(90).isMoved)
        #expect(try !report(80, isBeside: false).isMoved)
        #expect(try !report(80, repeated: 1).isMoved)
        #expect(try !report(80, found: ["I1"]).isMoved)
        // A worker that beats too seldom may have had no core.
        #expect(try report(90, found: ["I24"]).isMoved)
        #expect(try !report(90, found: ["I24", "I1"]).isMoved)
    }

    @Test func `What fills the machine is made alone`() {
        func apart(_ profile: Profile, jobs: Int = 10_000) -> [String] {
            Fault.all.filter { fault in
                Plan(fault: fault, seed: 1, jobs: jobs, workers: 3, profile: profile).isApart
            }.map(\.name).sorted()
        }
        let always = [
            "backlog-flush", "hang", "redis-lose-hints", "redis-outage", "stuck",
        ]
        #expect(apart(.test) == always)
        #expect(apart(.defaults) == always)
        // A small run measures nothing.
        #expect(apart(.test, jobs: 300) == [])
    }

    @Test func `Beside others no less is asked of a recovery than alone`() throws {
        func steady(_ fault: Fault, isBeside: Bool, rate: Double? = nil) -> Double? {
            var plan = Plan(
                fault: fault, seed: 1, jobs: 10_000, workers: 3, profile: .test, rate: rate)
            plan.isBeside = isBeside
            return plan.settings.first { $0.name == "steady_rate" }?.value
        }
        let fault = try #require(Fault.named("worker-kill"))
        #expect(steady(fault, isBeside: false) == 0)
        #expect(steady(fault, isBeside: true) == 242.5)
        #expect(steady(fault, isBeside: true, rate: 100) == 97)
        #expect(steady(.calm, isBeside: true) == 0)
    }

    @Test func `A fault that wants few jobs goes on at the usual rate once it has recovered`()
        throws
    {
        func rest(_ name: String, rate: Double? = nil, jobs: Int = 10_000) throws -> Double {
            Plan(
                fault: try #require(Fault.named(name)), seed: 1, jobs: jobs, workers: 3,
                profile: .test, rate: rate
            ).restRate
        }
        #expect(try rest("split-brain") == 250)
        #expect(try rest("worker-kill") == 250)
        // An order can be asked for only while no more come.
        #expect(try rest("order") == 100)
        #expect(try rest("split-brain", rate: 50) == 50)
        #expect(try rest("split-brain", jobs: 300) == 100)
    }

    @Test func `How long the rest will take goes by what each fault took`() {
        let all = runs(["calm", "order", "redis-lose-hints"], seeds: 2)
        var pace = Pace(all, atOnce: 2)
        #expect(pace.remaining == nil)
        #expect(pace.text(gone: .seconds(1)) == "0 of 6, gone 1 s")
        pace.ended(all[0], after: .seconds(60))
        // Each of three counts half, for two go on at once; two are made alone.
        #expect(pace.remaining == Duration.seconds(210))
        pace.ended(all[2], after: .seconds(100))
        // The others are expected to take what all took in the mean.
        #expect(pace.remaining == Duration.seconds(60 / 2 + 100 / 2 + 80 + 80))
        #expect(pace.text(gone: .seconds(7300)) == "2 of 6, gone 2 h 2 min, to go about 4 min")
        for run in all.dropFirst(3) + [all[1]] { pace.ended(run, after: .seconds(60)) }
        #expect(pace.text(gone: .seconds(125)) == "6 of 6, gone 2 min")
    }

    @Test func `What earlier sittings took is known from the first run on`() {
        let all = runs(["calm"], seeds: 3)
        let pace = Pace(all, atOnce: 1, known: ["calm": [50, 70]])
        #expect(pace.remaining == Duration.seconds(180))
    }

    @Test func `A phase that comes twice is one, and the time between phases is nobody's`() {
        let stopwatch = Stopwatch()
        for phase in ["load", "fault", "load"] { stopwatch.begin(phase) }
        #expect(stopwatch.end().map { $0.phase } == ["load", "fault"])
        #expect(stopwatch.end().map { $0.phase } == ["load", "fault"])
        #expect(stopwatch.end().allSatisfy { $0.seconds >= 0 })
    }

    /// Each of the faults with each of the seeds.
    private func runs(_ faults: [String], seeds: UInt64) -> [Run] {
        faults.flatMap { name in
            (1...seeds).map { seed in
                Run(
                    Plan(
                        fault: Fault.named(name) ?? .calm, seed: seed, jobs: 10_000, workers: 3,
                        profile: .test))
            }
        }
    }
}
