import ArgumentParser
import FoundationEssentials

/// `tasq-chaos run`: one fault or many, and what came of it.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Do something to a running system and check it.",
        discussion: """
            Exits with 0 if every invariant and every pass figure held, 1 if not, 69 if the \
            servers would not start or none of the faults can be done here. What a run that does \
            not hold leaves behind is kept in a folder that is named.
            """)

    @Option(help: ArgumentHelp("A fault by name; may be repeated.", valueName: "name"))
    var fault: [String] = []

    @Flag(help: "Every fault.")
    var all = false

    @Flag(help: "The faults of the fast part.")
    var quick = false

    @Option(help: ArgumentHelp("What the plan is drawn from.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("How many seeds, from --seed on.", valueName: "n"))
    var seeds: UInt64 = 1

    @Option(help: ArgumentHelp("Jobs to be acknowledged at least.", valueName: "n"))
    var jobs = 2000

    @Option(help: ArgumentHelp("Worker processes.", valueName: "n"))
    var workers = 3

    @Option(
        help: ArgumentHelp("Jobs asked for a second; each fault's own by default.", valueName: "n"))
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "Runs at once; more than one make all of them slow.", valueName: "n"))
    var atOnce = 1

    @Flag(help: "Exit with 1 where a fault was skipped because it cannot be done here.")
    var strict = false

    @Option(help: "Timing of the workers: test (short leases) or defaults.")
    var profile = Profile.test

    @Flag(help: "Print one JSON document for each run.")
    var json = false

    @Flag(help: "Print a Markdown table at the end.")
    var markdown = false

    @Option(help: ArgumentHelp("Keep every run's folder in here.", valueName: "dir"))
    var keep: String?

    @Flag(help: "Let every worker hold the maintenance term at once.")
    var allLead = false

    @Option(help: .hidden)
    var mistake: Mistake?

    @Flag(help: .hidden)
    var unedited = false

    func validate() throws {
        guard !chosen.isEmpty else {
            throw ValidationError("name a --fault (see `tasq-chaos list`), or say --quick or --all")
        }
        for name in fault where Fault.named(name) == nil {
            throw ValidationError("no fault is called \(name): see `tasq-chaos list`")
        }
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers must be between 1 and 64")
        }
        guard (1...10_000_000).contains(jobs) else {
            throw ValidationError("--jobs must be between 1 and 10000000")
        }
        guard rate.map({ (1...100_000).contains($0) }) ?? true else {
            throw ValidationError("--rate must be between 1 and 100000")
        }
        guard (1...1000).contains(seeds) else {
            throw ValidationError("--seeds must be between 1 and 1000")
        }
        guard (1...16).contains(atOnce) else {
            throw ValidationError("--at-once must be between 1 and 16")
        }
    }

    private var chosen: [String] {
        if all { return Fault.all.map(\.name) }
        return fault + (quick ? Fault.all.filter(\.isQuick).map(\.name) : [])
    }

    func run() async throws {
        let outcome = try await Interruption.heeded { try await runAll() }
        guard outcome else { throw ExitCode(1) }
    }

    /// Whether all held.
    private func runAll() async throws -> Bool {
        var todo: [Run] = []
        var skipped: [(fault: String, reason: String)] = []
        for name in chosen {
            if let reason = Fault.named(name)?.obstacle {
                skipped.append((name, reason))
                Terminal.note("\(name): skipped, \(reason)")
            } else {
                todo += (seed..<seed + seeds).map { Run(fault: name, seed: $0) }
            }
        }
        let reports = try await make(todo).compactMap { $0 }
        if markdown { Terminal.result(Table(reports: reports, skipped: skipped).markdown) }
        if todo.isEmpty {
            Terminal.note("tasq-chaos: none of this can be done here")
            throw ExitCode(69)
        }
        return reports.count == todo.count && reports.allSatisfy(\.isClean)
            && !(strict && !skipped.isEmpty)
    }

    /// One run to be made.
    private struct Run: Sendable {
        let fault: String
        let seed: UInt64
    }

    /// Makes the runs, so many at once, and tells of each when it is over; nil came to no report.
    private func make(_ todo: [Run]) async throws -> [Report?] {
        guard !todo.isEmpty else { return [] }
        let scratch = try await Scratch.start()
        let made = try await withThrowingTaskGroup(of: Report?.self) { group in
            var rest = todo[...]
            var ended: [Report?] = []
            while ended.count < todo.count {
                while todo.count - rest.count - ended.count < atOnce, let next = rest.popFirst() {
                    group.addTask { try await make(next, scratch) }
                }
                guard let last = try await group.next() else { break }
                ended.append(last)
            }
            return ended
        }
        await scratch.stop()
        return made
    }

    private func make(_ run: Run, _ scratch: Scratch) async throws -> Report? {
        do {
            guard let report = try await report(run.fault, run.seed, scratch) else { return nil }
            Terminal.result(json ? report.json : report.text)
            return report
        } catch let error as TrialError {
            Terminal.note("\(run.fault), seed \(run.seed): NO REPORT: \(error)")
            return nil
        }
    }

    private func report(_ name: String, _ seed: UInt64, _ scratch: Scratch) async throws -> Report?
    {
        guard let fault = Fault.named(name) else { return nil }
        let plan = Plan(
            fault: fault, seed: seed, jobs: jobs, workers: workers, profile: profile, rate: rate,
            mistake: mistake, isUnedited: unedited, allLead: allLead, keep: keep)
        return try await Trial(plan: plan, scratch: scratch) { phase in
            Terminal.phase("\(name), seed \(seed): \(phase)")
        }.run()
    }
}
