import ArgumentParser

/// `tasq-chaos check`: the checkers once more, on what a run has left behind.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the folder of an earlier run again.",
        discussion: "Exits with 0 if every invariant held, 1 if not.")

    @Argument(help: ArgumentHelp("The folder that a run named.", valueName: "folder"))
    var folder: String

    @Option(help: "The timing that the run had.")
    var profile = Profile.test

    @Option(help: "The fault of the run, for what is allowed under it.")
    var fault = "calm"

    func run() async throws {
        guard let fault = Fault.named(fault) else {
            throw ValidationError("no fault is called \(fault): see `tasq-chaos list`")
        }
        let plan = Plan(fault: fault, seed: 0, jobs: 1, workers: 3, profile: profile)
        let report = try await Interruption.heeded {
            let scratch = try await Scratch.start()
            let report = try await scratch.withDatabase { history in
                try await history.load(Evidence(at: folder), plan.settings)
                let findings = try await history.check()
                return Report(
                    plan: plan, findings: findings, figures: try await history.figures(),
                    lostWithPrimary: try await history.lostWithPrimary())
            }
            await scratch.stop()
            return report
        }
        Terminal.result(report.text)
        guard report.findings.isEmpty else { throw ExitCode(1) }
    }
}
