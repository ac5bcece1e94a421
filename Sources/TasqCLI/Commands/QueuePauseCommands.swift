import ArgumentParser
import Tasq
import TasqPostgres

extension QueuesCommand {
    /// `tasq queues pause Q`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a queue's jobs wait however many slots are free.",
            discussion: """
                Holds everywhere at once. Jobs that run already go on. Says so where nobody knows the \
                queue: no worker serves it, and no job of it was found.
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The queue, whether it has jobs or not.", valueName: "queue"))
        var name: String

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            try await QueuesCommand.set(name, isPaused: true, global, json: json)
        }
    }

    /// `tasq queues resume Q`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused queue's jobs run again.")

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The queue.", valueName: "queue"))
        var name: String

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            try await QueuesCommand.set(name, isPaused: false, global, json: json)
        }
    }

    private static func set(
        _ name: String, isPaused: Bool, _ global: GlobalOptions, json: Bool
    ) async throws {
        let name = try Name(name, field: "the queue")
        let configuration = try global.load([.database, .redis])
        let isKnown = try await Connections.with(configuration) { connections in
            // Asked before, since a pause makes a queue of any name.
            let isKnown = try await connections.store.knows(name, orPaused: !isPaused)
            let queue = connections.queue
            try await isPaused ? queue.pause(name) : queue.resume(name)
            await queue.flush()
            return isKnown
        }
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "name": .text(name), "paused": .bool(isPaused), "known": .bool(isKnown),
                ]).text)
        }
        let doubt = "; nobody knows it: no worker serves it, and no job of it was found"
        try StandardOutput.line(
            "\(name) is \(isPaused ? "paused" : "open")" + (isKnown ? "" : doubt))
    }
}
