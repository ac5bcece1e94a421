import Foundation
import Logging
import Synchronization
import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Who is seen to be connected.
@Suite(.medium) struct PresenceTests {
    @Test func `A worker is seen until its connection ends`() async throws {
        let (bell, redis) = try await Doorbell.shared()
        let other = try Doorbell(redis.url, prefix: bell.prefix)
        let (worker, nobody) = (WorkerID(), WorkerID())
        let told = Told()
        let shows = Task {
            await bell.announcer.showPresence(of: worker) { told.append($0) }
        }
        try await eventually("it is told where") { told.all.last.flatMap { $0 } != nil }
        let stranger = try Doorbell(redis.url)
        #expect(try await stranger.presence(of: [worker]).server != told.all.last)
        await stranger.announcer.close()
        let seen = try await other.presence(of: [worker, nobody])
        #expect(seen == Presence(server: try #require(told.all.last ?? nil), workers: [worker]))
        shows.cancel()
        await shows.value
        #expect(told.all.last == .some(nil))
        try await eventually("it is seen no more") {
            try await other.presence(of: [worker, nobody]).workers.isEmpty
        }
        await other.announcer.close()
        await bell.announcer.close()
    }

    @Test func `A connection that was ended is told at once and made anew`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let worker = WorkerID()
        let told = Told()
        let shows = Task {
            await bell.announcer.showPresence(of: worker) { told.append($0) }
        }
        try await eventually("it stands") { told.all.count == 1 }
        try await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        try await eventually("it stands again") { told.all.count == 3 }
        #expect(told.all == [told.all[0], nil, told.all[0]])
        #expect(try await bell.presence(of: [worker]).workers == [worker])

        await redis.stop()
        try await redis.restart()
        try await eventually("it stands on another start of the server") {
            told.all.last.map { $0 != nil && $0 != told.all[0] } ?? false
        }
        let server = try await bell.presence(of: [worker]).server
        #expect(told.all.last == server)
        shows.cancel()
        await shows.value
        await bell.announcer.close()
        await redis.stop()
    }

    @Test func `A server that gives no answer is told, and is left only for another one`()
        async throws
    {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let worker = WorkerID()
        let told = Told()
        let shows = Task {
            await bell.announcer.showPresence(of: worker) { told.append($0) }
        }
        try await eventually("it stands") { told.all.count == 1 }
        let list = try await redis.command("CLIENT", "LIST", "TYPE", "pubsub")
        let port = try #require(list.firstMatch(of: /addr=127.0.0.1:(\d+)/).flatMap { Int($0.1) })
        redis.pause()
        try await eventually("it does not stand any more") { told.all.last == .some(nil) }
        // Its end would look like that of the worker, once the server goes on.
        #expect(try isEstablished(from: port, to: redis.port))
        redis.resume()
        try await eventually("it stands again") { told.all.last == told.all[0] }
        #expect(try await bell.presence(of: [worker]).workers == [worker])
        try await eventually("the old one is gone") {
            try !isEstablished(from: port, to: redis.port)
        }
        shows.cancel()
        await shows.value
        await bell.announcer.close()
        await redis.stop()
    }

    @Test func `Where the user may not ask nobody is seen, and nothing else suffers`() async throws
    {
        let redis = try await PrivateRedis.start()
        try await redis.command(
            "ACL", "SETUSER", "tasq", "on", ">x", "~tasq:*", "+lpush", "+lmpop", "+blmpop")
        let bell = try Doorbell("redis://tasq:x@127.0.0.1:\(redis.port)", prefix: "tasq")
        let told = Told()
        let shows = Task {
            await bell.announcer.showPresence(of: WorkerID()) { told.append($0) }
        }
        try await eventually("it was refused, and said so") {
            bell.log.lines(at: .info, containing: "lease alone").count == 1
        }
        #expect(await bell.announcer.presence(of: [WorkerID()]) == nil)
        let job = Announcement.new()
        try await bell.announce([job])
        #expect(try await bell.drain() == [job.id])
        shows.cancel()
        await shows.value
        #expect(told.all.allSatisfy { $0 == nil })
        await bell.announcer.close()

        // What the README says is needed for it.
        try await redis.command(
            "ACL", "SETUSER", "tasq", "+info", "+subscribe", "+pubsub", "+ping", "&tasq:*")
        let next = try Doorbell("redis://tasq:x@127.0.0.1:\(redis.port)", prefix: "tasq")
        let seen = Task { await next.announcer.showPresence(of: WorkerID()) { told.append($0) } }
        try await eventually("it is seen") { told.all.last.map { $0 != nil } ?? false }
        seen.cancel()
        await seen.value
        await next.announcer.close()
        await redis.stop()
    }
}

/// Whether a connection between two ports of this machine stands, by Linux's own list.
private func isEstablished(from port: Int, to other: Int) throws -> Bool {
    func end(_ port: Int) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    let list = try FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd() ?? Data()
    return String(decoding: list, as: UTF8.self).contains("\(end(port)) \(end(other)) 01 ")
}

/// What was told, in order.
private final class Told: Sendable {
    private let lines = Mutex<[String?]>([])

    var all: [String?] { lines.withLock { $0 } }

    func append(_ line: String?) {
        lines.withLock { $0.append(line) }
    }
}

extension Doorbell {
    /// What the server says, which may take longer than the moment that workers wait for it.
    fileprivate func presence(of workers: [WorkerID]) async throws -> Presence {
        let seen = Mutex<Presence?>(nil)
        try await eventually("the server says who is there") {
            guard let presence = await announcer.presence(of: workers) else { return false }
            seen.withLock { $0 = presence }
            return true
        }
        return try #require(seen.withLock { $0 })
    }
}
