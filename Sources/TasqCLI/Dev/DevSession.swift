import ArgumentParser
import FoundationEssentials
import Tasq
import TasqPostgres
import TasqTesting

/// One run of `tasq dev`: starts what is wanted, shows how it goes, stops all of it.
struct DevSession: Sendable {
    let signals: TerminationSignals
    private let progress = Progress(isShown: StandardError.isTerminal)

    /// Webhooks a second of the endless demo.
    static let demoRate = 20.0
    /// Between two looks at how things go.
    static let lookInterval = Duration.milliseconds(500)

    init(signals: TerminationSignals) {
        self.signals = signals
    }

    /// Serves with the user's own configuration until a signal comes.
    func run(_ plan: DevServers.Plan) async throws {
        try await with(plan) { servers, store in
            try introduce(servers, plan)
            _ = try await untilSignal { try await watch(servers, store, demo: nil) }
        }
    }

    /// Serves the demo's own sources; with `once` runs its script and reports.
    ///
    /// Throws ``ExitCode`` 1 when the report is not clean.
    func demo(_ plan: DevServers.Plan, once: Bool) async throws {
        let receiver = DemoReceiver()
        let secrets = DemoTraffic.Secrets()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await receiver.run { continuation.yield($0) }
                } catch is CancellationError {}
                continuation.finish()
            }
            guard let port = await ports.first(where: { _ in true }), port > 0 else {
                try await group.waitForAll()
                throw Failure(.unavailable, "the demo's endpoint could not listen on 127.0.0.1")
            }
            var plan = plan
            plan.configuration = try writeConfiguration(in: plan.directory, receiver: port)
            plan.environment["DEMO_GITHUB_SECRET"] = secrets.github
            plan.environment["DEMO_BILLING_SECRET"] = secrets.standard
            try await with(plan) { servers, store in
                let traffic = try DemoTraffic(ingestURL: servers.ingestURL, secrets: secrets)
                if once {
                    try await runOnce(servers, store, traffic, receiver)
                } else {
                    try introduce(servers, plan)
                    _ = try await untilSignal {
                        try await sendForEver(traffic, servers, store, receiver)
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func runOnce(
        _ servers: DevServers, _ store: PostgresStore, _ traffic: DemoTraffic,
        _ receiver: DemoReceiver
    ) async throws {
        let run = DemoRun(
            servers: servers, traffic: traffic, receiver: receiver, store: store,
            progress: progress)
        let report = try await untilSignal { try await run.run() }
        progress.clear()
        guard let report else { throw ExitCode(128 + (signals.received.first ?? 2)) }
        try StandardOutput.write(report.text(styled: Report.isStyled))
        if !report.isClean { throw ExitCode(Failure.Code.refused.rawValue) }
    }

    private func sendForEver(
        _ traffic: DemoTraffic, _ servers: DevServers, _ store: PostgresStore,
        _ receiver: DemoReceiver
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var number = 0
                while !Task.isCancelled {
                    let events = (number..<number + 100).map(DemoTraffic.Event.init)
                    await traffic.send(events, rate: Self.demoRate)
                    number += 100
                }
            }
            group.addTask {
                try await self.watch(servers, store, demo: (traffic, receiver))
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Shows the state of things until one of the processes ends.
    private func watch(
        _ servers: DevServers, _ store: PostgresStore, demo: (DemoTraffic, DemoReceiver)?
    ) async throws {
        while true {
            try await Task.sleep(for: Self.lookInterval)
            if let name = servers.ended.first {
                throw Failure(.internal, "\(name) ended by itself: see \(DevCommand.directory)/log")
            }
            guard progress.isShown else { continue }
            let queues = try await store.queues()
            var line =
                demo.map { "\($0.0.tally.received) received · \($0.1.taken) executed · " } ?? ""
            line += "\(queues.reduce(0) { $0 + $1.queued }) queued · "
            line += "\(queues.reduce(0) { $0 + $1.executing }) executing · "
            line += "\(queues.reduce(0) { $0 + $1.scheduled }) scheduled"
            progress.show(line)
        }
    }

    /// Runs the body until it ends or a signal comes; `nil` after a signal.
    private func untilSignal<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals.stream { return nil }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// Starts everything, lends it, and stops it whatever happened.
    private func with(
        _ plan: DevServers.Plan, _ body: (DevServers, PostgresStore) async throws -> Void
    ) async throws {
        let servers = try await DevServers.start(plan) { progress.show($0) }
        progress.clear()
        let store = PostgresStore(
            try PostgresSettings(url: servers.databaseURL, schema: plan.schema), logger: .silent)
        var failure: (any Error)?
        do {
            try await body(servers, store)
        } catch {
            failure = error
        }
        progress.show("stopping")
        await store.close()
        await servers.stop()
        progress.clear()
        if let failure { throw failure }
    }

    private func introduce(_ servers: DevServers, _ plan: DevServers.Plan) throws {
        var lines = [
            ("webhooks", servers.ingestURL + "/in/SOURCE"), ("dashboard", servers.adminURL),
            ("DATABASE_URL", servers.databaseURL), ("REDIS_URL", servers.redis.url),
            ("metrics", servers.adminURL + "/metrics"),
        ]
        for url in servers.metricsURLs { lines.append(("", url + "/metrics, of a worker")) }
        if let file = plan.configuration { lines.append(("config", file)) }
        if plan.isSample {
            let url = servers.databaseURL
            lines.append(("a first job", "tasq enqueue hello --database-url '\(url)'"))
        }
        lines.append(("logs", plan.directory + "/log"))
        for (name, value) in lines {
            let gap = String(repeating: " ", count: 14 - name.count)
            try StandardOutput.line(name + gap + value)
        }
    }

    /// Writes a configuration for those who have none yet; returns its path.
    func writeSample(in directory: String) throws -> String {
        try write(
            """
            # Written by `tasq dev` at every start without a configuration. Copy it to
            # \(Configuration.defaultPath), which counts instead once it is there.
            handlers:
              "*": { log: {} }

            """, to: directory + "/sample.yaml")
    }

    private func writeConfiguration(in directory: String, receiver port: Int) throws -> String {
        let target = """
            http: { url: "http://127.0.0.1:\(port)/hook", allow: [127.0.0.1], breaker: off }
                retry: { base: 100ms, cap: 2s }
            """
        let text = """
            # Written by `tasq dev --demo` at every start.
            sources:
              github: { verify: github, secrets: [env:DEMO_GITHUB_SECRET] }
              billing: { verify: standard, secrets: [env:DEMO_BILLING_SECRET] }
            handlers:
              github:
                \(target)
              billing:
                \(target)
              "noop*": { noop: {} }
              "log*": { log: {} }

            """
        return try write(text, to: directory + "/demo.yaml")
    }

    private func write(_ text: String, to path: String) throws -> String {
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw Failure(.misconfigured, "cannot write \(path)")
        }
        return path
    }
}
