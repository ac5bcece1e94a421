import ArgumentParser
import Tasq

/// What a command line says of a job's options.
struct JobFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The queue to wait on.", valueName: "name"))
    var queue: String?

    @Option(help: ArgumentHelp("0 first to 3 last.", valueName: "level"))
    var priority: String?

    @Option(help: ArgumentHelp("How often to try before it ends in error.", valueName: "n"))
    var maxAttempts: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Jobs of one key belong together.", valueName: "text"))
    var key: String?

    private func text(of option: JobOption) -> String? {
        switch option {
        case .queue: queue
        case .priority: priority
        case .maxAttempts: maxAttempts
        case .key: key
        }
    }

    /// Whether nothing is said.
    var isEmpty: Bool { JobOption.all.allSatisfy { text(of: $0) == nil } }

    /// What is said, and of the rest what is given. Throws ``InvalidInput`` naming the flag.
    func options(or given: JobOptions) throws -> JobOptions {
        var said = SomeJobOptions()
        for option in JobOption.all {
            guard let text = text(of: option) else { continue }
            try flag(flagName(of: option.rawValue), text) {
                try said.set(option, to: option.value(of: $0))
            }
        }
        return said.over(given)
    }
}

/// The flag for a field, as in `--max-attempts`.
func flagName(of field: String) -> String { "--" + field.replacing("_", with: "-") }
