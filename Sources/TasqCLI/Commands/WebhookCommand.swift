import ArgumentParser
import FoundationEssentials
import Tasq
import TasqWebhooks

/// `tasq webhook`.
struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Try a source's signatures out.",
        subcommands: [Verify.self, Send.self])

    /// `tasq webhook verify`: what `tasq serve` would say to a request, and why.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a request's signature offline; exit 0 accepted, 1 refused.",
            discussion: """
                Judges a captured request as `tasq serve` would, with the source's secrets, and \
                says why it is refused; over HTTP nobody is told. For one that is accepted it \
                prints the jobs it would become, each with the route that makes it, and warns when \
                it has no event id. Connects to nothing.

                A source's verify is one of these names, or a scheme told as data:
                \(SignaturePreset.all.map(\.description).joined(separator: "\n"))
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("A source of the configuration.", valueName: "source"))
        var source: String

        @OptionGroup var sample: SampleRequest

        @Option(
            help: ArgumentHelp(
                "The URL it was sent to, for a scheme that signs {path}; /in/SOURCE by default.",
                valueName: "url"))
        var url: String?

        @Option(
            help: ArgumentHelp(
                "The method it was sent with, for a scheme that signs {method}.",
                valueName: "method"))
        var method = "POST"

        @Option(help: ArgumentHelp("Judge as of this Unix time, in seconds.", valueName: "unix"))
        var now: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let source = try global.webhookSource(named: source).source
            let request = WebhookRequest(
                method: method, path: try url.map(Self.path) ?? "/in/\(source.name)",
                headers: try sample.headers(), body: try sample.bytes())
            switch source.verify(request, now: try time()) {
            case .success(let event):
                let warnings = source.warnings(about: event)
                guard !json else {
                    return try StandardOutput.line(Self.answer(event, warnings).text)
                }
                let isRouted = !source.routing.routes.isEmpty
                for line in Self.lines(of: event, isRouted: isRouted)
                    + warnings.map({ "warning: " + $0 })
                {
                    try StandardOutput.line(Table.Cell(line).text)
                }
            case .failure(let refusal):
                guard json else { throw Failure(.refused, "refused: \(refusal)") }
                try StandardOutput.line(
                    JSON.object([
                        "accepted": false, "reason": .string(refusal.description),
                    ]).text)
                throw ExitCode(Failure.Code.refused.rawValue)
            }
        }

        private func time() throws -> Timestamp {
            guard let now else { return .now }
            let seconds = try flag("--now", now) { try number($0, in: 0...253_402_300_799) }
            return Timestamp(microseconds: Int64(seconds) * 1_000_000)
        }

        /// The path with its query, as a request's first line has it.
        private static func path(of url: String) throws -> String {
            guard let parts = URLComponents(string: url), parts.host != nil else {
                throw InvalidInput(field: "--url", "must be a URL, as in https://host/in/github")
            }
            let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
            return parts.percentEncodedQuery.map { path + "?" + $0 } ?? path
        }

        private static func lines(of event: VerifiedEvent, isRouted: Bool) -> [String] {
            var said: [String] = []
            if let id = event.providerID { said.append("event id \(id)") }
            if let type = event.type { said.append("type \(type)") }
            let first = said.isEmpty ? "accepted" : "accepted: " + said.joined(separator: ", ")
            return [first] + event.jobs.map { line(of: $0, isRouted: isRouted) }
        }

        private static func line(of made: RoutedJob, isRouted: Bool) -> String {
            let job = made.job
            var line = made.route.map { "routes[\($0)]" } ?? (isRouted ? "no route" : "job")
            line += ": kind \(job.kind), queue \(job.queue)"
            if let key = made.key { line += ", key \(key)" }
            line += ", priority \(job.priority.level), \(job.maxAttempts) attempts"
            if job.delay > .zero { line += ", after \(DurationText.format(job.delay))" }
            return line
        }

        private static func answer(_ event: VerifiedEvent, _ warnings: [String]) -> JSON {
            .object([
                "accepted": true, "source": .text(event.source),
                "kind": .text(event.jobs.first?.job.kind), "event_id": .text(event.providerID),
                "type": .text(event.type), "jobs": .array(event.jobs.map(object)),
                "warnings": .array(warnings.map(JSON.string)),
            ])
        }

        private static func object(_ made: RoutedJob) -> JSON {
            var options = made.job.options
            options.key = made.key
            var members = [
                JSON.Member(name: "route", value: made.route.map(JSON.int) ?? .null),
                JSON.Member(name: "kind", value: .text(made.job.kind)),
            ]
            // What tells the jobs of an event apart comes first.
            let (marks, all) = (["queue", "key"], JSON.members(of: options))
            members += all.filter { marks.contains($0.name) }
            members += all.filter { !marks.contains($0.name) }
            let delay = DurationText.format(made.job.delay)
            members.append(JSON.Member(name: "delay", value: .string(delay)))
            return .object(members)
        }
    }
}

/// What a request is made of on the command line.
struct SampleRequest: ParsableArguments {
    @Option(
        name: .customLong("header"),
        help: ArgumentHelp("A header; may be repeated.", valueName: "name: value"))
    var headerLines: [String] = []

    @Option(help: ArgumentHelp("The body, byte for byte; - for standard input.", valueName: "file"))
    var body: String

    /// Headers of one request at most.
    static let headerLimit = 100

    /// Throws ``InvalidInput`` for one that is not `Name: value`; never echoes it, since a header
    /// may carry a token.
    func headers() throws(InvalidInput) -> [Payload.Header] {
        guard headerLines.count <= Self.headerLimit else {
            throw InvalidInput(field: "--header", "may be given \(Self.headerLimit) times")
        }
        var headers: [Payload.Header] = []
        for line in headerLines {
            guard let colon = line.firstIndex(of: ":"),
                let name = try? checkedHeaderName(line[..<colon], field: "--header")
            else {
                throw InvalidInput(field: "--header", "must be 'Name: value'")
            }
            let value = String(line[line.index(after: colon)...].trimmed)
            guard isPrintable(value) else {
                throw InvalidInput(field: "--header", "must not contain control characters")
            }
            headers.append(Payload.Header(name: name, value: value))
        }
        return headers
    }

    /// Throws ``Failure`` when the file cannot be read or is larger than a body may be.
    func bytes() throws -> [UInt8] { try readBody(from: body, upTo: JobLimits.eventBytes) }
}

extension GlobalOptions {
    /// A source of the configuration, ready to verify, with its entry.
    func webhookSource(
        named name: String, also needs: Configuration.Needs = []
    ) throws -> (source: WebhookSource, entry: SourceEntry, configuration: Configuration) {
        let configuration = try load(needs.union(.sources), source: name)
        guard let entry = configuration.sources.first(where: { $0.name.description == name }) else {
            let known = configuration.sources.map(\.name.description)
            let near = nearestName(to: name, among: known).map { "; did you mean \($0)?" }
            throw Failure(
                .misconfigured,
                "no source of that name in \(configuration.origins.file ?? "any configuration")"
                    + (near
                        ?? (known.isEmpty ? ": it has none" : ": " + known.joined(separator: ", ")))
            )
        }
        return (try entry.source(for: configuration.handlers), entry, configuration)
    }
}
