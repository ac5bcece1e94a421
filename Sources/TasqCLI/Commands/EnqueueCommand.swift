import ArgumentParser
import Foundation
import Instrumentation
import Tasq
import TasqHTTP
import TasqWebhooks

/// `tasq enqueue`: one job, or many from a file.
struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue", abstract: "Put in a job and print its id once it is committed.",
        discussion: """
            With --ndjson each line is a JSON object \
            {\(EnqueueLine.fields.joined(separator: ", "))}. Lines are committed in batches, each \
            all or nothing; a bad line stops the rest and is named by its number.

            TRACEPARENT and TRACESTATE in the environment are the jobs' W3C trace context.
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(
        help: ArgumentHelp("What the job is; its handler is found by this.", valueName: "kind"))
    var kind: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("JSON, or @FILE, or - for standard input.", valueName: "json"))
    var payload: String?

    @Option(
        help: ArgumentHelp("Start it after this long, as in 15s, 5m, 6h.", valueName: "duration"))
    var delay: String?

    @Option(help: ArgumentHelp("Start it at this time.", valueName: "rfc3339"))
    var runAt: String?

    @OptionGroup var flags: JobFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "While a job with this key is unfinished, its id is printed instead.",
            valueName: "text"))
    var uniqueKey: String?

    @Option(
        help: ArgumentHelp(
            "Keep that up while it is unfinished, or only while it is queued or scheduled.",
            valueName: "unfinished|queued"))
    var uniqueWhile: String?

    @Option(
        help: ArgumentHelp(
            "What to do with a job of this unique key that waits: keep it, replace it, or reschedule it.",
            valueName: "keep|replace|reschedule"))
    var onConflict: String?

    @Option(help: ArgumentHelp("One JSON object a line, from a file or - .", valueName: "file"))
    var ndjson: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if ndjson == nil, kind == nil {
            throw ValidationError("name the kind of the job, or a file with --ndjson")
        }
        let singles = [kind, payload, delay, runAt, uniqueKey, uniqueWhile, onConflict]
        if ndjson != nil, !flags.isEmpty || singles.contains(where: { $0 != nil }) {
            throw ValidationError("--ndjson takes everything from its lines")
        }
        if delay != nil, runAt != nil {
            throw ValidationError("--delay and --run-at exclude each other")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var context = ServiceContext.topLevel
        context.jobTrace = TraceContext { environment[$0.uppercased()].map { [$0] } ?? [] }
        try await ServiceContext.withValue(context) { try await enqueue() }
    }

    private func enqueue() async throws {
        let configuration = try global.load([.database, .redis])
        if let ndjson {
            try await Connections.with(configuration) { connections in
                try await BulkEnqueue(
                    queue: connections.queue,
                    handlers: configuration.handlers
                ).run(from: ndjson, json: json)
            }
            return
        }
        let job = try job(with: configuration.handlers)
        let answer = try await Connections.with(configuration) { connections in
            let queue = connections.queue
            let answer = try await queue.enqueueSurely([job])
            await queue.flush()
            return answer.first ?? .stored(job.id)
        }
        let isNew = if case .stored = answer { true } else { false }
        try StandardOutput.line(
            json
                ? JSON.object(["id": .text(answer.id), "existed": .bool(!isNew)]).text
                : answer.id.description)
    }

    /// The job the flags describe. Throws ``InvalidInput`` naming the flag, or ``Failure`` for a
    /// payload that is not JSON.
    private func job(with handlers: [HandlerEntry]) throws -> NewJob {
        let kind = try Name(kind ?? "", field: "the kind")
        let body = try readPayload(payload)
        do {
            try JSONText.check(body)
        } catch {
            throw Failure(.badData, error.description)
        }
        let defaults = handlers.defaults(for: kind, payload: body)
        return try Self.namingFlags { () throws in
            try newJob(kind, body, defaults)
        }
    }

    /// Names the flag where a rule names the field it becomes.
    private static func namingFlags(_ make: () throws -> NewJob) throws -> NewJob {
        do {
            return try make()
        } catch let error as InvalidInput {
            let named =
                ["run_at", "delay", "unique_key", "unique_while", "on_conflict"]
                + JobOption.all.map(\.rawValue)
            guard named.contains(error.field) else { throw error }
            throw InvalidInput(field: flagName(of: error.field), error.rule)
        }
    }

    private func newJob(
        _ kind: Name, _ body: [UInt8], _ defaults: JobOptions
    ) throws -> NewJob {
        try NewJob(
            kind: kind, options: flags.options(or: defaults), start: try start(),
            uniqueKey: uniqueKey,
            uniqueWhile: try uniqueWhile.map {
                try flag("--unique-while", $0) { text -> UniqueSpan in try choice(text) }
            } ?? .unfinished,
            onConflict: try onConflict.map {
                try flag("--on-conflict", $0) { text -> ConflictPolicy in try choice(text) }
            } ?? .keep,
            payload: Payload(body))
    }

    private func start() throws -> Start {
        if let delay { return .after(try flag("--delay", delay) { try duration($0) }) }
        guard let runAt else { return .now }
        guard let time = Timestamp(rfc3339: runAt) else {
            throw InvalidInput(
                field: "--run-at", "must be a time in RFC 3339, as in 2026-11-23T19:20:00Z")
        }
        return .at(time)
    }
}

/// Reads the text of `--payload`: JSON, `@` and a file, or `-` for standard input.
func readPayload(_ payload: String?) throws -> [UInt8] {
    guard let payload else { return Array("{}".utf8) }
    if payload == "-" { return try readBody(from: payload) }
    guard payload.hasPrefix("@") else { return Array(payload.utf8) }
    guard payload != "@" else {
        throw InvalidInput(field: "--payload", "must have a path after the @")
    }
    return try readBody(from: String(payload.dropFirst()))
}

/// Reads a flag's text; an error names the flag.
func flag<Value>(
    _ name: String, _ text: String, _ read: (String) throws -> Value
) throws -> Value {
    do {
        return try read(text)
    } catch let error as InvalidInput {
        throw InvalidInput(field: name, error.rule)
    }
}

extension Queue {
    /// How often a write whose answer got lost is repeated; it stores nothing twice.
    private static let repeats = 3

    /// Stores jobs together; repeats the write while its outcome is unknown.
    func enqueueSurely(_ jobs: [NewJob]) async throws -> [Enqueued] {
        var left = Self.repeats
        while true {
            do throws(StoreError) {
                return try await enqueue(jobs)
            } catch {
                guard case .unknown = error, left > 0 else { throw error }
                left -= 1
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...500)))
            }
        }
    }
}
