import ArgumentParser
import FoundationEssentials

/// Refuses a flag that is given twice where it counts once.
///
/// The parser would take the last one in silence: whoever appends to a long command line would
/// not notice that the first one is gone.
enum RepeatedFlags {
    /// Throws `ValidationError` naming the flag.
    static func refuse(in arguments: [String]) throws {
        let repeated = twice(in: arguments)
        guard !repeated.isEmpty else { return }
        // What may be repeated, the parser knows; it is asked only now because that takes a while.
        let repeatable = Command.root?.find(arguments).repeatable ?? []
        for name in repeated where !repeatable.contains(name) {
            throw ValidationError("--\(name) is given more than once")
        }
    }

    /// The long names that stand there more than once, before a `--`, in order.
    private static func twice(in arguments: [String]) -> [String] {
        var seen: Set<String> = []
        var repeated: [String] = []
        for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
            let name = String(argument.dropFirst(2).prefix { $0 != "=" })
            if !seen.insert(name).inserted { repeated.append(name) }
        }
        return repeated
    }

    /// What the parser says of a command, as far as it matters here.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let name: String
            }
            let isRepeating: Bool
            let names: [Name]?
        }
        private struct Description: Decodable {
            let command: Command
        }

        let commandName: String
        let subcommands: [Command]?
        let arguments: [Argument]?

        static var root: Command? {
            let text = TasqCommand._dumpHelp()
            return (try? JSONDecoder().decode(Description.self, from: Data(text.utf8)))?.command
        }

        /// The command that the words among the arguments lead to.
        func find(_ words: [String]) -> Command {
            for (index, word) in words.enumerated() {
                if let next = subcommands?.first(where: { $0.commandName == word }) {
                    return next.find(Array(words.dropFirst(index + 1)))
                }
            }
            return self
        }

        var repeatable: Set<String> {
            Set((arguments ?? []).filter(\.isRepeating).flatMap { $0.names ?? [] }.map(\.name))
        }
    }
}
