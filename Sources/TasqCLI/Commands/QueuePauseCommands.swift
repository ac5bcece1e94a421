import ArgumentParser
import Tasq
import TasqPostgres

extension QueuesCommand {
    /// `tasq queues pause Q`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a queue's jobs wait however many slots are free.",
            discussion: "Holds everywhere at once. Jobs that run already go on.")

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The queue, whether it has jobs or not.", valueName: "queue"))
        var name: String

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let name = try await QueuesCommand.change(name, global) { try await $0.pause($1) }
            try QueuesCommand.tell(name, isPaused: true, json: json)
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
            let name = try await QueuesCommand.change(name, global) { try await $0.resume($1) }
            try QueuesCommand.tell(name, isPaused: false, json: json)
        }
    }

    private static func change(
        _ name: String, _ global: GlobalOptions, _ body: (Queue, Name) async throws -> Void
    ) async throws -> Name {
        let name = try Name(name, field: "the queue")
        let configuration = try global.load([.database, .redis])
        try await Connections.with(configuration) { connections in
            let queue = Queue(store: connections.store, announcer: connections.announcer)
            try await body(queue, name)
            await queue.flush()
        }
        return name
    }

    private static func tell(_ name: Name, isPaused: Bool, json: Bool) throws {
        try StandardOutput.line(
            json
                ? JSON.object(["name": .text(name), "paused": .bool(isPaused)]).text
                : "\(name) is \(isPaused ? "paused" : "open")")
    }
}
