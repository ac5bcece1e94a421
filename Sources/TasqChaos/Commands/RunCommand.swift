import ArgumentParser

/// `tasq-chaos run`: one fault or many, and what came of it.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Do something to a running system and check it.",
        discussion: """
            Exits with 0 if every invariant and every pass figure held, 1 if not, 69 if the \
            servers would not start or none of the faults can be done here. What a run that does \
            not hold leaves behind is kept in a folder that is named.

            With --record, each run is written down as it ends, and one that stands there as held \
            by the same programs, with the same options and no fewer jobs, is not made again: so \
            hours of runs can be made in several sittings, and one that is broken off loses only \
            the runs under way. `tasq-chaos table` prints what a record comes to.

            With --at-once, faults that fill the machine run alone all the same, and so does, a \
            second time, a run that missed nothing but times, rates and shares, which others can \
            have moved. What runs beside others has recovered only at nine tenths of what is asked \
            for, however slow it was before.
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
            "Runs at once, of faults that bear it; too many make all of them slow.",
            valueName: "n"))
    var atOnce = 1

    @Flag(help: "Exit with 1 where a fault was skipped because it cannot be done here.")
    var strict = false

    @Option(help: "Timing of the workers: test (short leases) or defaults.")
    var profile = Profile.test

    @Option(
        help: ArgumentHelp(
            "Add each run to this file, and make none that has held there.", valueName: "file"))
    var record: String?

    @Option(
        help: ArgumentHelp(
            "What the programs are called in the record; by their bytes by default.",
            valueName: "name"))
    var build: String?

    @Flag(help: "Print one JSON document for each run.")
    var json = false

    @Flag(help: "Print a Markdown table at the end, of all the record has where there is one.")
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
        guard build == nil || record != nil else {
            throw ValidationError("--build needs a --record")
        }
        guard build.map({ !$0.isEmpty }) ?? true else {
            throw ValidationError("--build must not be empty")
        }
        guard record == nil || mistake == nil else {
            throw ValidationError("a run with a mistake put back belongs in no --record")
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
        let file = try record.map {
            try RecordFile(at: $0, build: build ?? Build.fingerprint())
        }
        var runs: [Run] = []
        var skipped: [(fault: String, reason: String)] = []
        for name in chosen {
            if let reason = Fault.named(name)?.obstacle {
                skipped.append((name, reason))
                Terminal.note("\(name): skipped, \(reason)")
            } else {
                runs += (seed..<seed + seeds).map { Run(plan(of: name, seed: $0)) }
            }
        }
        let todo = file.map { rest(of: runs, after: $0) } ?? runs
        let sitting = Sitting(runs: todo, atOnce: atOnce, record: file, json: json) { run in
            plan(of: run.fault, seed: run.seed)
        }
        let made = try await sitting.make()
        if markdown {
            let shown = file.map { $0.record.runs(of: $0.build) } ?? made
            Terminal.result(Table(runs: shown, skipped: skipped).markdown)
        }
        if runs.isEmpty {
            Terminal.note("tasq-chaos: none of this can be done here")
            throw ExitCode(69)
        }
        return made.count == todo.count && made.allSatisfy(\.clean)
            && !(strict && !skipped.isEmpty)
    }

    /// Those that have not held yet, by a record; says what counts in it.
    private func rest(of runs: [Run], after file: RecordFile) -> [Run] {
        let record = file.record
        for remark in record.remarks(counting: file.build) {
            Terminal.note("\(file.path): \(remark)")
        }
        let rest = runs.filter { run in
            !record.holds(plan(of: run.fault, seed: run.seed), in: file.build)
        }
        Terminal.note(
            "\(file.path): \(runs.count - rest.count) of \(runs.count) runs have held, "
                + "by the build \(file.build)")
        return rest
    }

    private func plan(of name: String, seed: UInt64) -> Plan {
        Plan(
            fault: Fault.named(name) ?? .calm, seed: seed, jobs: jobs, workers: workers,
            profile: profile, rate: rate, mistake: mistake, isUnedited: unedited,
            allLead: allLead, keep: keep)
    }
}
