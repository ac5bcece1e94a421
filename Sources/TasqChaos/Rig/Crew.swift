import FoundationEssentials
import TasqTesting

/// Makes the processes of a run.
struct Crew: Sendable {
    private let plan: Plan
    private let stage: Stage
    private let log: EventLog
    private let configuration: String
    private let tasq: String
    /// The `tasq` of before, where there is one.
    private let old: String
    private let own: String

    init(plan: Plan, stage: Stage, endpoint: Endpoint, log: EventLog) throws {
        self.plan = plan
        self.stage = stage
        self.log = log
        let tasq = try ChildProcess.built("tasq")
        self.tasq = tasq
        old = Fault.oldProgram ?? tasq
        own = try ChildProcess.built("tasq-chaos")
        configuration = stage.evidence.file("tasq.yaml")
        stage.evidence.write(Self.configurationText(endpoint: endpoint), to: "tasq.yaml")
    }

    /// The same deeds as in ``WorkerCommand``, through a target.
    private static func configurationText(endpoint: Endpoint) -> String {
        let handlers = JobShape.Deed.harmless.map { deed in
            """
              \(deed.rawValue):
                http:
                  url: "http://127.0.0.1:\(endpoint.port)/\(deed.rawValue)"
                  allow: [127.0.0.1]
                  timeout: 120s
                retry: { base: 200ms, cap: 1s }
            """
        }
        return (["handlers:"] + handlers).joined(separator: "\n") + "\n"
    }

    func server() -> Member {
        Member(
            name: "serve", program: server(isOld: plan.fault.setup.startsOld), log: log,
            output: stage.evidence.file("serve.log"))
    }

    /// The program of the server.
    func server(isOld: Bool) -> Member.Program {
        Member.Program(
            words: stage.serverWrapper + [isOld ? old : tasq, "serve"],
            environment: environment(on: stage.road).merging([
                "TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ]) { $1 },
            readyLine: "admin http")
    }

    func worker(_ number: Int) -> Member {
        let program = plan.programs[number % plan.programs.count]
        let name = "w\(number + 1)"
        return Member(
            name: name, program: worker(number, as: program, named: name), log: log,
            output: stage.evidence.file("\(name).log"))
    }

    /// The program of a worker.
    func worker(
        _ number: Int, as program: Fault.WorkerProgram, named name: String
    ) -> Member.Program {
        var words: [String]
        switch program {
        case .tasq, .old:
            words = [
                program == .old ? old : tasq, "work", "--concurrency", "\(plan.slots)",
                "--queue", "default",
            ]
            if !plan.fault.setup.hasNarrowWorker || number != 1 { words += ["--queue", "second"] }
        case .chaos:
            words = [
                own, "worker", "--name", name, "--log", stage.evidence.log(of: name),
                "--concurrency", "\(plan.slots)",
            ]
            if let mistake = plan.mistake, !plan.isUnedited {
                words += ["--mistake", mistake.rawValue]
            }
            if plan.allLead { words.append("--leads") }
        }
        words = (stage.wrappers[number] ?? []) + words
        return Member.Program(
            words: words,
            environment: environment(on: stage.roads[number] ?? stage.road)
                .merging(stage.workerEnvironment[number] ?? [:]) { $1 },
            readyLine: "worker registered")
    }

    /// What a command of `tasq` says, whatever it thinks of what it finds.
    func output(of words: String...) async throws -> String {
        let process = try await ChildProcess.start(
            tasq, words, environment: environment(on: stage.road), directory: "/")
        _ = try await process.wait()
        return process.standardOutput
    }

    /// Runs a command of `tasq` to its end.
    func tasq(_ words: String...) async throws {
        let process = try await ChildProcess.start(
            tasq, words, environment: environment(on: stage.road), directory: "/")
        let exit = try await process.wait()
        guard exit == .code(0) else {
            throw TestingError.failed(
                "tasq \(words.joined(separator: " ")): \(exit): \(process.standardError)")
        }
    }

    private func environment(on road: Stage.Road) -> [String: String] {
        var environment = plan.profile.environment
        environment["DATABASE_URL"] = road.databaseURL
        environment["REDIS_URL"] = road.redisURL
        environment["TASQ_CONFIG"] = configuration
        environment["TASQ_LOG_LEVEL"] = "info"
        // A trap must end the process as fast as it would where nobody reads the backtrace.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        return environment.merging(stage.environment) { $1 }
    }
}

extension JobShape.Deed {
    /// Those that an endpoint can do without dying of them.
    static let harmless: [JobShape.Deed] = [.run, .fail, .hostile]
}
