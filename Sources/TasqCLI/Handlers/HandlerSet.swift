import Tasq
import TasqWebhooks

/// The handlers of a configuration, ready to run.
struct HandlerSet: Sendable {
    /// What the worker asks.
    private(set) var table = HandlerTable()
    private var targets: [TargetClient] = []

    /// `path` is where `command` handlers look for programs, `guardian` what ends those that are
    /// left. Throws ``InvalidInput`` naming the handler that cannot be made.
    init(
        _ entries: [HandlerEntry], path: String, guardian: CommandGuard? = nil
    ) throws(InvalidInput) {
        for entry in entries {
            var handler = try handler(of: entry, path: path, guardian)
            handler.timeout = entry.timeout
            handler.retry = entry.retry
            try table.add(entry.pattern, handler)
        }
    }

    /// Closes the connections to targets.
    func shutdown() async {
        for target in targets { await target.shutdown() }
    }

    private mutating func handler(
        of entry: HandlerEntry, path: String, _ guardian: CommandGuard?
    ) throws(InvalidInput) -> Handler {
        switch entry.action {
        case .http(let http):
            let client = TargetClient(
                try http.target(field: entry.field), version: TasqCommand.version)
            targets.append(client)
            var handler = client.handler()
            if let putOff = http.putOff { handler.putOff = putOff }
            return handler
        case .command(let command):
            let command = CommandHandler(command: command, path: path, guardian: guardian)
            return Handler { context in try await command.run(context) }
        case .log: return Handler(run: PlainHandlers.log)
        case .noop: return Handler(run: PlainHandlers.noop)
        case .sleep(let duration): return Handler(run: PlainHandlers.sleep(duration))
        }
    }
}

extension HandlerEntry {
    /// As in `handlers.github`.
    var field: String { "handlers.\(pattern)" }
}

extension HandlerEntry.HTTP {
    func target(field: String) throws(InvalidInput) -> HTTPTarget {
        try HTTPTarget(
            url: url, timeout: timeout ?? .seconds(10), allow: allow, signingSecrets: secrets,
            headers: headers, field: "\(field).http")
    }
}
