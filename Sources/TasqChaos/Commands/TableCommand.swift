import ArgumentParser

/// `tasq-chaos table`: what the runs in a record came to.
struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Print the runs of a record as a Markdown table.",
        discussion: """
            A row is a fault with the worst of its runs, of all sittings. The runs of one build are \
            counted, those of others are told on standard error.

            Exits with 0 if all held, 1 if not, or if there is no run. What a busy machine alone \
            can spoil, as how long a recovery took, may have held in another run of the same seed: \
            the table says both.
            """)

    @Argument(help: ArgumentHelp("A file of `run --record`.", valueName: "file"))
    var record: String

    @Option(
        help: ArgumentHelp(
            "The build that counts; that of the newest run by default.", valueName: "name"))
    var build: String?

    func run() throws {
        let record = try Record(at: record)
        let build = build ?? record.newestBuild ?? Record.nameless
        for remark in record.remarks(counting: build) {
            Terminal.note("\(self.record): \(remark)")
        }
        let runs = record.runs(of: build)
        guard !runs.isEmpty else {
            Terminal.note("\(self.record): no run of the build \(build)")
            throw ExitCode(1)
        }
        let table = Table(runs: runs)
        Terminal.result(table.markdown)
        Terminal.note("\(build): \(table.summary)")
        guard table.holds else { throw ExitCode(1) }
    }
}
