import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq explain ID`.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a job is not running, or what it is doing.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The job.", valueName: "id"))
    var id: String

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let id = try jobID(id, field: "the id")
        let circumstances = try await Connections.with(try global.load(.database)) {
            try await $0.store.circumstances(of: id)
        }
        guard let circumstances else { throw Failure(.refused, "no job \(id)") }
        let explanation = Explanation(circumstances)
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "id": .text(id), "status": .string(circumstances.job.status.rawValue),
                    "reason": .string(explanation.reason.rawValue),
                    "sentence": .string(explanation.sentence),
                    "facts": .object(
                        explanation.facts.map { .init(name: $0.name, value: .string($0.value)) }),
                ]).text)
        }
        try StandardOutput.line(Table.Cell(explanation.sentence).text)
        let width = explanation.facts.map(\.name.count).max() ?? 0
        for fact in explanation.facts {
            let gap = String(repeating: " ", count: width - fact.name.count + 2)
            try StandardOutput.line(fact.name + gap + Table.Cell(fact.value).text)
        }
    }
}
