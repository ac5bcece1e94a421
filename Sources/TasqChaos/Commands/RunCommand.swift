import ArgumentParser
import FoundationEssentials

/// `tasq-chaos run`: one fault or many, and what came of it.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Do something to a running system and check it.",
        discussion: """
            Exits with 0 if every invariant and every pass figure held, 1 if not, 69 if the \
            servers would not start. What a run that does not hold leaves behind is kept in a \
            folder that is named.
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

    @Option(help: "Timing of the workers: test (short leases) or defaults.")
    var profile = Profile.test

    @Flag(help: "Print one JSON document for each run.")
    var json = false

    @Flag(help: "Print a Markdown table at the end.")
    var markdown = false

    @Option(help: ArgumentHelp("Keep every run's folder in here.", valueName: "dir"))
    var keep: String?

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
        var todo: [String] = []
        var skipped: [(fault: String, reason: String)] = []
        for name in chosen {
            if let reason = Fault.named(name)?.obstacle {
                skipped.append((name, reason))
                Terminal.note("\(name): skipped, \(reason)")
            } else {
                todo.append(name)
            }
        }
        var reports: [Report] = []
        var failures = 0
        if !todo.isEmpty {
            let scratch = try await Scratch.start()
            for name in todo {
                for seed in seed..<seed + seeds {
                    try Task.checkCancellation()
                    do {
                        guard let report = try await report(name, seed, scratch) else { continue }
                        reports.append(report)
                        Terminal.result(json ? report.json : report.text)
                    } catch let error as TrialError {
                        failures += 1
                        Terminal.note("\(name), seed \(seed): NO REPORT: \(error)")
                    }
                }
            }
            await scratch.stop()
        }
        if markdown { Terminal.result(Table(reports: reports, skipped: skipped).markdown) }
        return failures == 0 && reports.allSatisfy(\.isClean)
    }

    private func report(_ name: String, _ seed: UInt64, _ scratch: Scratch) async throws -> Report?
    {
        guard let fault = Fault.named(name) else { return nil }
        let plan = Plan(
            fault: fault, seed: seed, jobs: jobs, workers: workers, profile: profile, rate: rate,
            mistake: mistake, isUnedited: unedited, keep: keep)
        return try await Trial(plan: plan, scratch: scratch) { phase in
            Terminal.phase("\(name), seed \(seed): \(phase)")
        }.run()
    }
}
