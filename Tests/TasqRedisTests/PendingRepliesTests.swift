import NIOCore
import NIOPosix
import Testing

@testable import TasqRedis

@Suite struct PendingRepliesTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test func `Replies go to those who asked, in the order they asked`() async throws {
        var pending = PendingReplies()
        let first = loop.makePromise(of: [Reply].self)
        let second = loop.makePromise(of: [Reply].self)
        var pair = Commands("A")
        pair.append(["B"])
        let isFirstIn = pending.append(pair, by: .uptimeNanoseconds(9), first)
        #expect(isFirstIn)
        let isSecondIn = pending.append(Commands("C"), by: .uptimeNanoseconds(4), second)
        #expect(isSecondIn)
        #expect(pending.earliestDeadline == .uptimeNanoseconds(4))
        for reply in [Reply.integer(1), .integer(2), .integer(3)] {
            switch pending.receive(reply) {
            case .kept: #expect(reply == .integer(1))
            case .complete(let promise, let replies): promise.succeed(replies)
            case .unasked: Issue.record("nobody asked for \(reply)")
            }
        }
        #expect(try await first.futureResult.get() == [.integer(1), .integer(2)])
        #expect(try await second.futureResult.get() == [.integer(3)])
        #expect(pending.earliestDeadline == nil)
        guard case .unasked = pending.receive(.null) else {
            Issue.record("a reply nobody asked for was taken")
            return
        }
    }

    @Test func `No more commands wait than the limit, and room comes back`() {
        var pending = PendingReplies()
        let promise = loop.makePromise(of: [Reply].self)
        for _ in 0..<RedisLimits.pendingCommands {
            let isIn = pending.append(Commands("A"), by: .now(), promise)
            #expect(isIn)
        }
        let isExcessIn = pending.append(Commands("A"), by: .now(), promise)
        #expect(!isExcessIn)
        _ = pending.receive(.null)
        let isNextIn = pending.append(Commands("A"), by: .now(), promise)
        #expect(isNextIn)
        let isExcessInAgain = pending.append(Commands("A"), by: .now(), promise)
        #expect(!isExcessInAgain)
        let removed = pending.removeAll()
        #expect(removed.count == RedisLimits.pendingCommands)
        let isLaterIn = pending.append(Commands("A"), by: .now(), promise)
        #expect(isLaterIn)
        promise.fail(RedisFault.closed)
    }

    @Test func `No more bytes wait than the limit`() {
        var pending = PendingReplies()
        let promise = loop.makePromise(of: [Reply].self)
        let large = Commands("A", String(repeating: "x", count: RedisLimits.pendingBytes / 2))
        let isLargeIn = pending.append(large, by: .now(), promise)
        #expect(isLargeIn)
        let isSecondLargeIn = pending.append(large, by: .now(), promise)
        #expect(!isSecondLargeIn)
        let isSmallIn = pending.append(Commands("A"), by: .now(), promise)
        #expect(isSmallIn)
        promise.fail(RedisFault.closed)
    }
}
