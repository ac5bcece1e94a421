import ArgumentParser

/// `tasq-chaos soak`: random faults for a long time.
struct SoakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak", abstract: "Disturb a system at random for a long time and check it.",
        discussion: "Exits with 0 if every invariant held and memory stayed flat, 1 if not.")

    @Option(help: ArgumentHelp("How long the faults go on.", valueName: "n"))
    var minutes: Int

    @Option(help: ArgumentHelp("What the plan is drawn from.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Worker processes.", valueName: "n"))
    var workers = 3

    @Option(help: "Timing of the workers: test (short leases) or defaults.")
    var profile = Profile.defaults

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: ArgumentHelp("Keep the run's folder in here.", valueName: "dir"))
    var keep: String?

    func validate() throws {
        guard (1...1440).contains(minutes) else {
            throw ValidationError("--minutes must be between 1 and 1440")
        }
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers must be between 1 and 64")
        }
    }

    func run() async throws {
        let plan = Plan(
            // Half of what is asked for while nothing keeps it from being.
            fault: .soak(minutes: minutes), seed: seed, jobs: 3000 * minutes, workers: workers,
            profile: profile, keep: keep)
        let report = try await Interruption.heeded {
            let scratch = try await Scratch.start()
            let report = try await Trial(plan: plan, scratch: scratch) { phase in
                Terminal.phase("soak, seed \(plan.seed): \(phase)")
            }.run()
            await scratch.stop()
            return report
        }
        Terminal.result(json ? report.json : report.text)
        guard report.isClean else { throw ExitCode(1) }
    }
}
