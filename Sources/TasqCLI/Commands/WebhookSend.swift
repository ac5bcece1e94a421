import ArgumentParser
import FoundationEssentials
import NIOHTTP1
import Tasq
import TasqHTTP
import TasqWebhooks

extension WebhookCommand {
    /// `tasq webhook send`: a sample, signed as the provider would.
    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a sample with the source's first secret and post it.",
            discussion: """
                Prints the status and the answer; exit 0 for a 2xx, 1 for anything else. Without \
                --to it goes to http.ingest of the configuration. Each run is a new event; with \
                the header of its id given it is that one. Redirects are not followed.
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("A source of the configuration.", valueName: "source"))
        var source: String

        @OptionGroup var sample: SampleRequest

        @Option(help: ArgumentHelp("Where to post it.", valueName: "url"))
        var to: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        /// How long the server may take to answer.
        private static let patience = Duration.seconds(30)
        /// Bytes of the answer that are printed.
        private static let answerLimit = 65_536

        func run() async throws {
            let (source, entry, configuration) = try global.webhookSource(named: source)
            let target = try to.map(Self.checked) ?? configuration.http.ingestURL(of: source.name)
            let body = try sample.bytes()
            let request = try signed(entry, body: body, to: target)
            let (status, answer) = try await Self.post(request, to: target)
            let text = String(decoding: answer, as: UTF8.self)
            if json {
                let object = JSON.object(["status": .int(status), "answer": .string(text)])
                try StandardOutput.line(object.text)
            } else {
                try StandardOutput.line(
                    "\(status)" + (text.isEmpty ? "" : " \(LineLog.oneLine(text))"))
            }
            guard (200...299).contains(status) else {
                throw json
                    ? ExitCode(Failure.Code.refused.rawValue) as any Error
                    : Failure(.refused, "the sample was not accepted")
            }
        }

        private func signed(
            _ entry: SourceEntry, body: [UInt8], to target: String
        ) throws -> HTTPRequest {
            let given = try sample.headers()
            let signer = try WebhookSigner(
                scheme: entry.scheme, secret: entry.secrets.first ?? "",
                field: "sources.\(entry.name).secrets[0]")
            // The id and the timestamp are signed: what is given of them is what must be signed.
            let id = entry.scheme.id?.headerName.flatMap { name in
                given.last { entry.scheme.isSame($0.name, name) }?.value
            }
            var request = try HTTPRequest(url: target)
            request.method = .POST
            let proof = signer.headers(
                for: body, id: id ?? JobID().description, at: .now,
                method: request.method.rawValue, path: request.place)
            for header in proof { request.headers.add(name: header.name, value: header.value) }
            if !given.contains(where: { $0.name == "content-type" }) {
                request.headers.add(name: "content-type", value: "application/json")
            }
            // A header given by hand stands in place of ours, even of the signature: that is how
            // a refusal is tried out.
            for (name, _) in Array(request.headers)
            where given.contains(where: { entry.scheme.isSame($0.name, name.lowercased()) }) {
                request.headers.remove(name: name)
            }
            for header in given { request.headers.add(name: header.name, value: header.value) }
            request.body = body
            return request
        }

        private static func checked(_ url: String) throws -> String {
            guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
                ["http", "https"].contains(parts.scheme), parts.user == nil
            else {
                throw InvalidInput(field: "--to", "must be an http or https URL without a user")
            }
            return url
        }

        private static func post(
            _ request: HTTPRequest, to target: String
        ) async throws -> (status: Int, answer: [UInt8]) {
            do {
                let answer = try await request.answer(within: patience, bodyLimit: answerLimit)
                return (answer.status, answer.body)
            } catch {
                throw Failure(
                    .unavailable, "\(target) cannot be reached: \(connectionFault(error))")
            }
        }
    }
}

extension Configuration.HTTPSection {
    /// Where this computer reaches a source of its own server.
    func ingestURL(of source: Name) -> String {
        let host = ["0.0.0.0", "::"].contains(ingest.host) ? "127.0.0.1" : ingest.host
        let address = ListenAddress(host: host, port: ingest.port)
        return address.url(isSecure: ingestTLS.certificate != nil) + "/in/\(source)"
    }
}
