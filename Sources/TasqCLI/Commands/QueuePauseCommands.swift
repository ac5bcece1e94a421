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

        func run() async throws {
            try await QueuesCommand.change(name, global, to: "paused") { try await $0.pause($1) }
        }
    }

    /// `tasq queues resume Q`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused queue's jobs run again.")

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The queue.", valueName: "queue"))
        var name: String

        func run() async throws {
            try await QueuesCommand.change(name, global, to: "open") { try await $0.resume($1) }
        }
    }

    private static func change(
        _ name: String, _ global: GlobalOptions, to state: String,
        _ body: (Queue, Name) async throws -> Void
    ) async throws {
        let name = try Name(name, field: "the queue")
        let configuration = try global.load([.database, .redis])
        try await Connections.with(configuration) { connections in
            let queue = Queue(store: connections.store, announcer: connections.announcer)
            try await body(queue, name)
            await queue.flush()
        }
        try StandardOutput.line("\(name) is \(state)")
    }
}
