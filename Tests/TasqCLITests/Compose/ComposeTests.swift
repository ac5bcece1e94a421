import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What is in `compose`, without Docker: what it names must be there.
@Suite(.medium) struct ComposeTests {
    /// The services that are this program, with their commands.
    private static let commands = ["migrate", "serve", "work"]

    @Test func `Each service of tasq has a command of the program and variables that it takes`()
        async throws
    {
        let compose = try ComposeFile.read()
        let services = compose.services.filter { $0.value.image == "tasq" }
        #expect(services.keys.sorted() == Self.commands)
        for (name, service) in services {
            let command = try #require(service.command)
            let help = try await TasqProgram.start(command + ["--help"])
            #expect(try await help.wait() == .code(0), "\(name)")
            let usage = "USAGE: tasq \(command.joined(separator: " "))"
            #expect(help.standardOutput.contains(usage), "\(name): \(help.standardOutput)")

            let mounts = service.mounts
            let environment = service.variables.mapValues { value in
                mounts[value].map { ComposeFile.folder + $0 } ?? value
            }
            let check = try await TasqProgram.run("config", "check", environment: environment)
            #expect(check.exit == .code(0), "\(name): \(check.errors)")
            let file = try #require(environment["TASQ_CONFIG"])
            #expect(check.output.hasPrefix("\(file): valid, "), "\(name): \(check.output)")
            // A variable that is nobody's would be passed over in silence.
            let shown = try await TasqProgram.run(
                "config", "show", "--json", environment: environment
            ).output
            for variable in environment.keys where variable != "TASQ_CONFIG" {
                #expect(shown.contains("\"place\":\"\(variable)\""), "\(name): \(variable)")
            }
        }
    }

    @Test func `Ports lead through the proxy to where the servers listen, and Prometheus to each`()
        throws
    {
        let compose = try ComposeFile.read()
        let published = compose.services.mapValues { $0.ports ?? [] }.filter { !$0.value.isEmpty }
        // Webhooks are for everybody, all else for this computer.
        #expect(
            published == [
                "proxy": ["8080:8080", "127.0.0.1:8081:8081"],
                "grafana": ["127.0.0.1:3000:3000"],
            ])
        let serve = try #require(compose.services["serve"]?.environment)
        let ingest = try port(of: serve["TASQ_HTTP_INGEST"])
        let admin = try port(of: serve["TASQ_HTTP_ADMIN"])
        let worker = try port(of: compose.services["work"]?.environment?["TASQ_WORKER_LISTEN"])
        let proxy = try ComposeFile.text("Caddyfile")
        let sites = proxy.matches(of: /\n:(\d+) \{\n\timport servers (\d+)\n\}/)
        #expect(sites.map { "\($0.1) \($0.2)" } == ["8080 \(ingest)", "8081 \(admin)"])
        #expect(proxy.contains("dynamic a serve {args[0]} {"))

        let prometheus = try PrometheusFile.read()
        let targets = prometheus.jobs.flatMap { job in
            job.targets.flatMap { target in target.names.map { "\($0):\(target.port)" } }
        }
        #expect(targets == ["serve:\(admin)", "work:\(worker)"])
        let secrets = (compose.services["prometheus"]?.secrets ?? []).map { "/run/secrets/" + $0 }
        let tokens = prometheus.jobs.map(\.authorization.file)
        #expect(tokens.allSatisfy { secrets.contains($0) }, "\(tokens)")
        #expect(compose.services["prometheus"] != nil)
        #expect(try ComposeFile.text("grafana.yaml").contains("url: http://prometheus:9090\n"))
    }

    @Test func `Each file that is mounted is there, and each name is that of something`() throws {
        let compose = try ComposeFile.read()
        for (name, service) in compose.services {
            for source in service.mounts.values {
                let isThere =
                    source.hasPrefix(".")
                    ? FileManager.default.fileExists(atPath: ComposeFile.folder + source)
                    : compose.volumes[source] != nil
                #expect(isThere, "\(name): \(source)")
            }
            for (other, condition) in service.waitsFor?.conditions ?? [:] {
                let before = try #require(compose.services[other], "\(name): \(other)")
                if condition == "service_healthy" {
                    #expect(before.healthcheck != nil, "\(name): \(other)")
                }
            }
            for secret in service.secrets ?? [] {
                #expect(compose.secrets[secret] != nil, "\(name): \(secret)")
            }
            for (variable, host) in [("DATABASE_URL", "postgres"), ("REDIS_URL", "redis")] {
                guard let url = service.environment?[variable] else { continue }
                #expect(url.contains("@\(host):") && compose.services[host] != nil, "\(name)")
            }
        }
        // Nobody waits for the doorbell.
        let awaited = compose.services.values.map { $0.waitsFor?.conditions ?? [:] }
        #expect(Set(awaited.flatMap(\.keys)) == ["migrate", "postgres", "serve"])
        let rules = try PrometheusFile.read().rules.map { "/etc/prometheus/" + $0 }
        let mounted = compose.services["prometheus"]?.mounts ?? [:]
        #expect(rules.map { mounted[$0] } == ["../config/prometheus-alerts.yaml"])
        let boards = try ComposeFile.text("grafana-dashboards.yaml")
        let folder = String(try #require(boards.firstMatch(of: /path: (\S+) \}/)?.1))
        let dashboards = (compose.services["grafana"]?.mounts ?? [:]).filter {
            $0.key.hasPrefix(folder + "/")
        }
        #expect(Array(dashboards.values) == ["../config/grafana-dashboard.json"])
    }

    @Test func `The image is made of what there is, and a worker has the time it takes to end`()
        throws
    {
        let compose = try ComposeFile.read()
        let build = try #require(compose.services["migrate"]?.build)
        let context = ComposeFile.folder + build.context + "/"
        let file = try String(contentsOfFile: context + build.dockerfile, encoding: .utf8)
        let copied = file.matches(of: #/\nCOPY ([A-Z]\S*) /#).map { String($0.1) }
        #expect(copied == ["Package.swift", "Sources"])
        for name in copied {
            #expect(FileManager.default.fileExists(atPath: context + name), "\(name)")
        }
        let grace = try #require(compose.services["work"]?.gracePeriod)
        let period = try DurationText.parse(grace, field: "stop_grace_period")
        #expect(period > Configuration().worker.grace)
    }

    /// With a toolchain that builds nothing, and a program that repeats its arguments.
    @Test func `The demo's script builds for release and passes on what it was given`()
        async throws
    {
        let place = try TemporaryFile("", name: "unused")
        let echo = try #require(ChildProcess.find("echo"))
        try FileManager.default.createSymbolicLink(
            atPath: place.directory + "/tasq", withDestinationPath: echo)
        let run = try await ChildProcess.start(
            "bash",
            [
                "-c",
                """
                swift() {
                    echo "swift $*" >&2
                    [[ $* != *--show-bin-path ]] || echo "$PLACE"
                }
                export -f swift
                exec compose/dev --once --port 9999
                """,
            ], environment: ["PLACE": place.directory], directory: packageRoot)
        #expect(try await run.wait() == .code(0), "\(run.standardError)")
        #expect(run.standardOutput == "dev --demo --once --port 9999")
        let built = run.standardError.split(separator: "\n").filter { $0.hasPrefix("swift ") }
        #expect(
            built == [
                "swift build -c release --product tasq", "swift build -c release --show-bin-path",
            ], "\(run.standardError)")
        withExtendedLifetime(place) {}
    }

    private func port(of address: String?) throws -> String {
        let address = try #require(address)
        return String(try #require(address.split(separator: ":").last))
    }
}
