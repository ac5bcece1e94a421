import Foundation
import Logging
import Tasq
import TasqHTTP
import Testing

@testable import TasqCLI

struct ConfigurationTests {
    @Test(arguments: Setting.all.map(\.key).filter { samples[$0] != nil })
    func `A flag beats the environment, which beats the file, which beats the default`(
        key: String
    ) throws {
        let texts = try #require(samples[key])
        let setting = try #require(Setting.all.first { $0.key == key })
        let parts = key.split(separator: ".")
        let line =
            parts.count == 1
            ? "\(key): \(texts[0])" : "\(parts[0]):\n  \(parts[1]): \(texts[0])"
        let file = try TemporaryFile(line)
        let name = setting.environmentNames[0]
        func effective(
            environment: [String: String] = [:], flags: [String: String] = [:]
        ) throws -> String {
            var needs: Configuration.Needs = .redis
            if key == "database_url" { needs.insert(.database) }
            if key == "admin_token" { needs.insert(.admin) }
            let configuration = try Configuration.load(
                flags: flags.merging(["config": file.path]) { $1 }, environment: environment,
                needs: needs)
            return try #require(setting.value(in: configuration))
        }
        #expect(try effective() == texts[0])
        #expect(try effective(environment: [name: texts[1]]) == texts[1])
        #expect(
            try effective(environment: [name: texts[1]], flags: [key: texts[2]]) == texts[2])
    }

    @Test func `Every scalar key has a sample in these tests`() {
        #expect(Set(Setting.all.map(\.key)) == Set(samples.keys))
    }

    @Test func `A worker's listener goes by its older name, too, where the new one is not said`()
        throws
    {
        func listener(_ text: String, _ environment: [String: String] = [:]) throws -> String? {
            let file = try TemporaryFile(text)
            let configuration = try Configuration.load(
                flags: ["config": file.path], environment: environment, needs: [])
            return configuration.worker.listen?.description
        }
        let older = "worker: { metrics: '127.0.0.1:1' }"
        #expect(try listener(older) == "127.0.0.1:1")
        let variable = ["TASQ_WORKER_METRICS": "127.0.0.1:2"]
        #expect(try listener(older, variable) == "127.0.0.1:2")
        let both = variable.merging(["TASQ_WORKER_LISTEN": "127.0.0.1:3"]) { $1 }
        #expect(try listener(older, both) == "127.0.0.1:3")
        // Two listeners are not to be had.
        #expect(throws: ConfigurationError.self) {
            try listener("worker: { listen: '127.0.0.1:4', metrics: '127.0.0.1:1' }")
        }
    }

    @Test func `The shipped file names every key and says the defaults`() throws {
        let path = packageRoot + "/config/tasq.yaml"
        let shipped = try load(file: path)
        let defaults = Configuration()
        for setting in Setting.all where !setting.isSecret {
            #expect(setting.value(in: shipped) == setting.value(in: defaults), "\(setting.key)")
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for setting in Setting.all {
            let last = try #require(setting.key.split(separator: ".").last)
            #expect(text.contains("\(last):"), "\(setting.key)")
        }
        #expect(shipped.handlers.map(\.pattern) == ["noop*", "log*"])
        #expect(shipped.schedules == nil, "whoever starts with it takes no schedules away")
        #expect(shipped.flowLimits == nil, "nor limits")
        #expect(shipped.retention == .usual)
    }

    @Test func `Uncommented, the shipped file's examples are a valid configuration`() throws {
        let text = try String(contentsOfFile: packageRoot + "/config/tasq.yaml", encoding: .utf8)
        let whole = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line == "sources: {}"
                ? "sources:" : String(line.hasPrefix("#  ") ? line.dropFirst() : line)
        }.joined(separator: "\n")
        let secret = try TemporaryFile("0123456789abcdef\n")
        let file = try TemporaryFile(
            whole.replacing("file:/run/secrets/erp", with: "file:" + secret.path))
        let configuration = try Configuration.load(
            flags: ["config": file.path],
            environment: [
                "GITHUB_SECRET": "g", "STRIPE_WHSEC": "a", "STRIPE_WHSEC_OLD": "b",
                "CI_WHSEC": "whsec_c2VjcmV0", "REPORT_API_KEY": "k",
                "CI_TOKEN": "Bearer-t",
            ], needs: [.sources, .handlers])
        #expect(configuration.sources.map(\.name.description) == ["github", "stripe", "erp"])
        #expect(configuration.sources.map(\.secrets) == [["g"], ["a", "b"], ["0123456789abcdef"]])
        #expect(configuration.sources.map(\.routes.count) == [0, 0, 1])
        #expect(
            configuration.handlers.map(\.pattern)
                == ["noop*", "log*", "github", "report", "tidy", "nap"])
        #expect(
            configuration.handlers[3].action as? CommandAction
                == CommandAction(
                    words: ["/usr/local/bin/report", "--json"],
                    environment: ["LANG": "C.UTF-8", "API_KEY": "k"], directory: nil))
        #expect(configuration.handlers[2].options.queue.description == "ci")
        #expect(configuration.schedules?.map(\.name.description) == ["nightly"])
        let limit = try FlowLimit(queue: Name("ci"), maxDepth: 100_000, maxAge: .seconds(600))
        #expect(configuration.flowLimits == [limit])
        let kept = Retention.Ages(success: .seconds(3600), cancelled: .seconds(30 * 86_400))
        let own = [try Name("ci"): kept]
        #expect(configuration.retention.queues == own)
    }

    @Test(arguments: [
        ("worker:\n  concurency: 3", "2: unknown key worker.concurency; did you mean concurrency?"),
        ("handler: {}", "1: unknown key handler; did you mean handlers?"),
        ("zebra: 1", "1: unknown key zebra"),
        ("worker: 3", "1: worker must be a mapping of names to values"),
        ("worker:\n  lease: 5 s", "2: worker.lease must be"),
        ("worker:\n  lease: -5s", "2: worker.lease must be"),
        ("worker:\n\n  concurrency: 1e3", "3: worker.concurrency must be a whole number"),
        ("worker: { lease: 5s }", "1: worker.lease must be at least three heartbeats"),
        (
            "worker: { find_work: pull }",
            "1: worker.find_work must be one of push+sweep, push, poll"
        ),
        ("worker: { queues: [a, a] }", "1: worker.queues must name each queue once"),
        ("worker: { queues: [\"a b\"] }", "1: worker.queues must be"),
        ("log_level: loud", "1: log_level must be one of trace"),
        ("schema: Tasq", "1: schema must be"),
        ("redis_url: \"redis://:hunter2@h:port\"", "1: redis_url must have a port"),
        ("redis_url: \"rediss://h?cacert=/no\"", "1: redis_url cacert=/no cannot be read"),
        ("database_url: hunter2", "1: database_url "),
        ("admin_token: \"hunter 2\"", "1: admin_token must be 1 to 1000 visible"),
        ("http: { admin: 8081 }", "1: http.admin must be host:port"),
        ("http: { admin: \"0.0.0.0:1\" }", "1: http.admin must stay on loopback"),
        ("http:\n  ingest_key: /x", "2: http.ingest_key needs http.ingest_certificate"),
        ("http:\n  admin_certificate: /x", "2: http.admin_certificate needs http.admin_key"),
        (
            "http: { ingest_certificate: \"file:/no\", ingest_key: /no }",
            "1: http.ingest_certificate /no cannot be read or is not PEM"
        ),
        ("limits: { body: 2MiB }", "1: limits.body must be a size from 1 to 1048576"),
        ("a: 1\na: 2", "a key stands twice: a"),
        ("a: [", ": is not YAML:"),
        ("handlers:\n  a: {}", "2: handlers.a must name one of http, command"),
        ("handlers:\n  a: { noop: {}, log: {} }", "2: handlers.a must name one of"),
        ("handlers:\n  a b: { noop: {} }", "2: handlers.a b is not a kind"),
        ("handlers:\n  a: { htp: {} }", "unknown key handlers.a.htp; did you mean http?"),
        ("handlers:\n  a: { command: [] }", "2: handlers.a.command must list the program"),
        ("handlers:\n  a: { http: { url: ftp://x } }", "handlers.a.http.url must be http"),
        ("handlers:\n  a: { http: {} }", "handlers.a.http.url is missing"),
        ("handlers:\n  a: { sleep: 5 }", "2: handlers.a.sleep must be"),
        ("handlers:\n  a: { noop: {}, max_attempts: 0 }", "max_attempts must be a whole number"),
        ("handlers:\n  a: { noop: {}, retry: { factor: 0.5 } }", "retry.factor must be a number"),
        ("handlers:\n  a: { noop: {}, key: /id }", "2: handlers.a.key must be header:NAME"),
        (
            "handlers:\n  \"a*\": { noop: {} }\n  ab: { log: {} }",
            "3: handlers.ab is never reached: a*"
        ),
        ("sources:\n  a: { verify: gitub, secrets: [env:S] }", "sources.a.verify must be one of"),
        ("sources:\n  a: { verify: github }", "sources.a.secrets must name at least one secret"),
        ("sources:\n  a: { secrets: [env:S] }", "2: sources.a.verify is missing"),
        ("sources:\n  a: { verify: github, secrets: [env:NONE] }", "2: env:NONE is not set"),
        ("sources:\n  a: { verify: github, secrets: [env:BLANK] }", "2: env:BLANK is empty"),
        (
            "sources:\n  a: { verify: github, secrets: [env:SPACED] }",
            "2: env:SPACED has white space"
        ),
        ("sources:\n  a: { verify: github, secrets: [env:TWO] }", "2: env:TWO has a tab or a line"),
        (
            "sources:\n  a: { verify: github, secrets: [\"file:/none\"] }",
            "file:/none cannot be read"
        ),
        ("sources:\n  a: { verify: { hmac: md5, header: X }, secrets: [env:S] }", "must be sha256"),
        ("sources:\n  a: { verify: { hmac: sha256 }, secrets: [env:S] }", "needs hmac and header"),
        (
            "sources:\n  a: { verify: { hmac: sha256, header: X, sign: \"{timestamp}\" }, "
                + "secrets: [env:S] }", "sources.a.verify.sign"
        ),
        ("handlers:\n  a: { command: [x], env: { TASQ_X: y } }", "env.TASQ_X is not a variable"),
        (
            "handlers:\n  a: { http: { url: \"https://h.example\", sign: [] } }",
            "http.sign must name at least one secret"
        ),
        (
            "handlers:\n  a: { http: { url: \"https://h.example\", sign: [env:GOOD, env:NONE] } }",
            "env:NONE is not set"
        ),
        (
            "handlers:\n  a: { http: { url: \"https://h.example\", "
                + "sign: [env:S, env:S, env:S, env:S, env:S] } }",
            "http.sign must be 1 to 4 secrets"
        ),
        (
            "handlers:\n  a:\n    http:\n      url: \"https://h.example\"\n      breaker: 0",
            "5: handlers.a.http.breaker must be a whole number from 1 to 1000, or off"
        ),
        (
            "handlers:\n  a: { http: { url: \"https://h.example\", breaker: never } }",
            "handlers.a.http.breaker must be a whole number from 1 to 1000, or off"
        ),
    ])
    func `A mistake in the file is named with its line and the mend`(
        yaml: String, expected: String
    ) throws {
        let file = try TemporaryFile(yaml)
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(
                flags: ["config": file.path],
                environment: [
                    "BLANK": "", "SPACED": "hunter2 ", "TWO": "hunter2\nhunter3", "S": "hunter2",
                    "GOOD": "aHVudGVyMg==",
                ],
                needs: [.database, .redis, .sources, .handlers, .admin])
        }
        let text = try #require(error).description
        #expect(text.contains(expected))
        #expect(!text.contains("hunter"))
    }

    @Test func `All mistakes are told at once, wherever they stand`() throws {
        let file = try TemporaryFile(
            "worker: { lease: 3 }\nlogs: debug\nsources:\n  a: { verify: github, secrets: [env:X] }"
        )
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(
                flags: ["config": file.path, "log_level": "loud"],
                environment: ["TASQ_HTTP_INGEST": "here", "TASQ_WORKER_LEESE": "5s"],
                needs: [.database, .sources])
        }
        let problems = try #require(error).problems
        #expect(
            Set(problems.map { $0.place.replacing(file.path, with: "F") })
                == [
                    "F:1", "F:2", "F:4", "--log-level", "TASQ_HTTP_INGEST", "TASQ_WORKER_LEESE",
                    "database_url",
                ])
    }

    @Test func `A named file that is not there is an error, the default one is not`() throws {
        #expect(throws: ConfigurationError.self) { try load(file: "/nowhere/tasq.yaml") }
        #expect(throws: ConfigurationError.self) {
            try Configuration.load(
                flags: [:], environment: ["TASQ_CONFIG": "/nowhere/tasq.yaml"], needs: [])
        }
    }

    @Test func `A space inside a secret is part of it`() throws {
        let file = try TemporaryFile("sources:\n  a: { verify: github, secrets: [env:S] }")
        let configuration = try Configuration.load(
            flags: ["config": file.path], environment: ["S": "It's a Secret to Everybody"],
            needs: .sources)
        #expect(configuration.sources.first?.secrets == ["It's a Secret to Everybody"])
    }

    @Test func `A file that everybody can write is refused, a secret's as well`() throws {
        let secret = try TemporaryFile("hunter2", name: "secret")
        let file = try TemporaryFile(
            "sources:\n  a: { verify: github, secrets: [\"file:\(secret.path)\"] }")
        for path in [secret.path, file.path] {
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration.load(
                    flags: ["config": file.path], environment: [:], needs: .sources)
            }
            let text = try #require(error).description
            #expect(text.contains("\(path)"))
            #expect(text.contains("chmod o-w"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    @Test func `Secrets that a command does not use are not looked up`() throws {
        let file = try TemporaryFile(
            "admin_token: env:NONE\nsources:\n  a: { verify: github, secrets: [env:NONE] }")
        #expect(try load(file: file.path).sources.count == 1)
    }

    @Test func `An empty Redis URL switches Redis off, whatever the file says`() throws {
        let file = try TemporaryFile("redis_url: redis://there")
        let configuration = try Configuration.load(
            flags: ["config": file.path], environment: ["REDIS_URL": ""], needs: .redis)
        #expect(configuration.redisURL == nil)
    }

    @Test func `The first handler that matches counts`() throws {
        let file = try TemporaryFile(
            "handlers:\n  mail.now: { log: {} }\n  \"mail.*\": { noop: {} }\n  \"*\": { sleep: 1s }"
        )
        let handlers = try load(file: file.path).handlers
        func action(_ kind: String) throws -> (any HandlerAction)? {
            handlers.entry(for: try Name(kind))?.action
        }
        #expect(try action("mail.now") is LogAction)
        #expect(try action("mail.nowhere") is NoopAction)
        #expect((try action("mail") as? SleepAction)?.time == .seconds(1))
    }

    @Test(arguments: [
        ("concurency", "concurrency"), ("lesae", "lease"), ("db", nil),
        ("databse_url", "database_url"),
    ])
    func `The nearest known name is offered only when it is near`(
        text: String, nearest: String?
    ) {
        #expect(nearestName(to: text, among: ["concurrency", "lease", "database_url"]) == nearest)
    }

    private func load(file: String) throws -> Configuration {
        try Configuration.load(flags: ["config": file], environment: [:], needs: [])
    }
}

/// Three different values of each key, as they are written.
private let samples: [String: [String]] = [
    "database_url": ["postgres://a", "postgres://b", "host=c dbname=d"],
    "redis_url": ["redis://a", "redis://b", "redis://c"],
    "redis_prefix": ["a", "b", "c"],
    "schema": ["a", "b", "c"],
    "log_level": ["debug", "error", "trace"],
    "log_format": ["json", "logfmt", "json"],
    "http.ingest": ["a:1", "[::1]:2", "127.0.0.1:0"],
    "http.ingest_certificate": ["/a", "/b", "/c"],
    "http.ingest_key": ["/a", "/b", "/c"],
    "http.admin_certificate": ["/a", "/b", "/c"],
    "http.admin_key": ["/a", "/b", "/c"],
    "http.admin": ["localhost:1", "127.0.0.1:2", "[::1]:3"],
    "admin_token": ["a", "b", "c"],
    "limits.body": ["1", "2", "3"],
    "limits.memory": ["67108864", "100000000", "134217728"],
    "limits.request_deadline": ["1s", "2s", "3s"],
    "limits.idle_timeout": ["1s", "2s", "1h"],
    "limits.connections": ["1", "2", "3"],
    "limits.in_flight": ["1", "2", "3"],
    "worker.queues": ["a", "b,c:2", "d"],
    "worker.concurrency": ["1", "2", "3"],
    "worker.lease": ["10s", "1m", "2h"],
    "worker.heartbeat": ["1s", "3s", "4s"],
    "worker.grace": ["1s", "0s", "5m"],
    "worker.find_work": ["poll", "push+sweep", "poll"],
    "worker.on_lease_unknown": ["cancel", "continue", "cancel"],
    "worker.poll_interval": ["1s", "250ms", "5s"],
    "worker.sweep_every": ["1", "2", "3"],
    "worker.memory": ["67108864", "100000000", "134217728"],
    "worker.listen": ["127.0.0.1:8082", "[::1]:0", "localhost:9000"],
    "retention.success": ["1d", "0s", "forever"],
    "retention.error": ["forever", "36500d", "250ms"],
    "retention.cancelled": ["1h", "forever", "2h"],
]
