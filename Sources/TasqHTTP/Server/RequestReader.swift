import NIOCore
import NIOHTTP1
import Tasq

/// Reads requests from a connection, part by part.
struct RequestReader {
    private var parts: NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    init(_ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>) {
        parts = inbound.makeAsyncIterator()
    }

    /// The next request's head; `nil` when the client has said all it wanted to say.
    @concurrent
    mutating func head() async throws(ReadFailure) -> HTTPRequestHead? {
        while let part = try await next() {
            if case .head(let head) = part { return head }
        }
        return nil
    }

    /// The body of the request whose head came last, up to what it is allowed. What it takes of
    /// `room` is the caller's to give back, also when this throws.
    ///
    /// It gets room for `ByteBudget.little` bit by bit, as it comes, and then for all the rest at once,
    /// before that has come: bodies that each hold a large part would wait for each other. So a
    /// sender holds no more than a small multiple of what has been sent, until that is a MiB; of a
    /// packed body, until it is `HTTPLimits.freeBodyBytes`.
    /// `waits` is told when a wait for room begins and ends.
    @concurrent
    mutating func body(
        of head: RequestHead, within allowance: BodyAllowance, in room: inout BufferRoom,
        waits: (Bool) -> Void
    ) async throws(ReadFailure) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(min(head.contentLength ?? 0, HTTPLimits.freeBodyBytes))
        while let part = try await next() {
            switch part {
            case .head: throw .lost
            case .end: return body
            case .body(let buffer):
                guard buffer.readableBytes <= allowance.bytes - body.count else {
                    throw .refused(.tooLarge(limit: allowance.bytes))
                }
                let length = body.count + buffer.readableBytes
                var goal = length
                if length > HTTPLimits.freeBodyBytes, allowance.held(length) > ByteBudget.little {
                    goal = min(head.contentLength ?? allowance.bytes, allowance.bytes)
                }
                let held = allowance.held(goal)
                if !room.hold(held) {
                    waits(true)
                    guard await room.waitToHold(held) else { throw .refused(.overloaded) }
                    waits(false)
                }
                if goal > length { body.reserveCapacity(goal) }
                body += buffer.readableBytesView
            }
        }
        throw .lost
    }

    /// Reads to the end of the connection and throws it all away.
    @concurrent
    mutating func drain() async {
        do {
            while try await next() != nil {}
        } catch {
            return
        }
    }

    @concurrent
    private mutating func next() async throws(ReadFailure) -> HTTPServerRequestPart? {
        do {
            return try await parts.next()
        } catch is RequestTooSlow {
            throw .refused(.tooSlow)
        } catch HTTPParserError.headerOverflow {
            throw .refused(.headersTooLarge)
        } catch is HTTPParserError {
            throw .refused(.malformed())
        } catch {
            throw .lost
        }
    }
}

/// Why there is no next part.
enum ReadFailure: Error {
    /// The client is to be told, then the connection closed.
    case refused(Problem)
    /// There is nobody to tell.
    case lost
}
