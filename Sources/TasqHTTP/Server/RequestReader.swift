import NIOCore
import NIOHTTP1

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

    /// The body of the request whose head came last, up to `limits.bodyBytes`. The bytes it takes
    /// from `room` are the caller's to give back, also when this throws.
    @concurrent
    mutating func body(
        of head: RequestHead, within limits: HTTPLimits, in room: inout BufferRoom
    ) async throws(ReadFailure) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(min(head.contentLength ?? 0, HTTPLimits.freeBodyBytes))
        while let part = try await next() {
            switch part {
            case .head: throw .lost
            case .end: return body
            case .body(let buffer):
                guard buffer.readableBytes <= limits.bodyBytes - body.count else {
                    throw .refused(.tooLarge(limit: limits.bodyBytes))
                }
                body += buffer.readableBytesView
                guard room.hold(body.count - HTTPLimits.freeBodyBytes) else {
                    throw .refused(.overloaded)
                }
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

/// The room one body holds in a listener's memory; given back when it goes out of scope.
struct BufferRoom: ~Copyable {
    private let capacity: Capacity
    private var bytes = 0

    init(_ capacity: Capacity) {
        self.capacity = capacity
    }

    /// Grows to `total` bytes; `false` when the listener has no room for that.
    mutating func hold(_ total: Int) -> Bool {
        guard total > bytes else { return true }
        guard capacity.reserve(total - bytes) else { return false }
        bytes = total
        return true
    }

    deinit {
        capacity.release(bytes)
    }
}
