import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// Looks at the servers and the processes again and again and notes what it sees, for what must
/// hold all the time and not only at the end.
struct Sampler: Sendable {
    /// The pause between two looks at the database.
    static let pause = Duration.milliseconds(250)
    /// Looks at Redis and at the processes are made every so many of those.
    static let rareness = 4

    private let rig: Rig
    private let redis: RedisSettings
    private let logger = Logger(label: "sampler") { _ in SwiftLogNoOpLogHandler() }
    private let statement = Statement(
        name: "chaos_sample", text: String(decoding: PackageResources.sample_sql, as: UTF8.self))

    /// Throws where it could not look: a run that nobody looks at shows nothing.
    init(rig: Rig) throws {
        self.rig = rig
        redis = try RedisSettings(url: rig.stage.listsURL ?? rig.redis.url)
        _ = try Self.settings(rig.postgres)
    }

    /// Goes on until cancelled.
    func run() async {
        let announcer = RedisAnnouncer(redis, logger: logger)
        var session: Session?
        var port = 0
        var count = 0
        while !Task.isCancelled {
            if session == nil || port != rig.postgres.port {
                port = rig.postgres.port
                session = open()
            }
            if let session { await lookAtDatabase(session) }
            if count.isMultiple(of: Self.rareness) {
                await lookAtRedis(announcer)
                await lookAtProcesses()
            }
            count += 1
            guard await sleep(for: Self.pause) else { break }
        }
        await session?.close()
        await announcer.close()
    }

    private func open() -> Session? {
        do {
            return Session(settings: try Self.settings(rig.postgres), logger: logger)
        } catch {
            note(blindness: error)
            return nil
        }
    }

    /// A look that saw nothing leaves a gap, which the checkers find; this says why.
    private func note(blindness error: any Error) {
        rig.log.write(Event(kind: .sample, name: "none", outcome: "\(error)"))
    }

    private static func settings(_ postgres: PrivatePostgres) throws -> PostgresSettings {
        var settings = try PostgresSettings(url: postgres.url(database: Stage.database))
        settings.applicationName = "chaos"
        settings.statementTimeout = .seconds(5)
        return settings
    }

    private func lookAtDatabase(_ session: Session) async {
        var parameters = Parameters()
        parameters.append((rig.plan.profile.lease + .seconds(3)).inMicroseconds)
        let before = Event.now
        let looks: [[Int64]]
        do {
            looks = try await session.run(statement, parameters).read { row throws(StoreError) in
                var numbers: [Int64] = []
                for _ in 0..<10 { numbers.append(try row.next()) }
                return numbers
            }
        } catch {
            return note(blindness: error)
        }
        guard let look = looks.first else { return }
        let after = Event.now
        rig.log.write(
            Event(
                kind: .sample, name: "postgres",
                numbers: [
                    "clock_us": (look[0] + look[9]) / 2,
                    "least_ns": Int64(clamping: before) - look[0] * 1000,
                    "most_ns": Int64(clamping: after) - look[9] * 1000,
                    "orphans": look[1], "due": look[2], "oldest_ms": look[3],
                    "free_slots": look[4], "open": look[5], "connections": look[6],
                    "deadlocks": look[7], "dead_rows": look[8],
                ]),
            at: before + (after - before) / 2)
    }

    private func lookAtRedis(_ announcer: RedisAnnouncer) async {
        let queues = [Name.defaultQueue, Name(unchecked: "second")]
        do {
            let listed = try await announcer.depths(of: queues).values.reduce(0) { $0 + $1 }
            rig.log.write(
                Event(kind: .sample, name: "redis", numbers: ["listed": Int64(listed)]))
        } catch {
            note(blindness: error)
        }
    }

    private func lookAtProcesses() async {
        for member in rig.members {
            guard let pid = await member.pid, let memory = Self.memory(of: pid) else { continue }
            let files = ProcessTree.openFiles(of: pid) ?? 0
            guard let computed = ProcessTree.computed(by: pid) else { continue }
            rig.log.write(
                Event(
                    kind: .sample, name: member.name, pid: pid,
                    numbers: ["rss_kb": memory, "fds": Int64(files), "cpu_ms": computed]))
        }
    }

    /// Resident memory in kB; nil where there is no such process or no /proc.
    private static func memory(of pid: Int32) -> Int64? {
        guard let status = FileManager.default.contents(atPath: "/proc/\(pid)/status") else {
            return nil
        }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("VmRSS:") {
            return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int64($0) }
        }
        return nil
    }
}
