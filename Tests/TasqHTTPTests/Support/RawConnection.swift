import NIOCore
import NIOPosix
import TasqHTTP
import TasqTesting

/// A client's TCP connection, byte by byte: it sends what no well-behaved client would.
struct RawConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received: [UInt8] = []

    /// Connects, runs the body and closes. `window` bytes are read ahead of the body, at most.
    static func open<Value: Sendable>(
        to address: ListenAddress, receiving window: Int32? = nil,
        _ body: @concurrent @Sendable (inout RawConnection) async throws -> Value
    ) async throws -> Value {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let window {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(window))
        }
        let channel =
            try await bootstrap
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(
                inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }

    /// Sends bytes, waits for the server to close and returns everything it said.
    static func exchange(
        with address: ListenAddress, _ bytes: [UInt8], thenFinish: Bool = false
    ) async throws -> String {
        try await open(to: address) { connection in
            // The server may close before it has read everything.
            do { try await connection.send(bytes) } catch {}
            if thenFinish { connection.finish() }
            return String(decoding: await connection.rest(), as: UTF8.self)
        }
    }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Sends text, from another task than the one that reads.
    var sender: @Sendable (String) async throws -> Void {
        { [outbound] text in try await outbound.write(ByteBuffer(string: text)) }
    }

    /// Half-closes: nothing more will be sent.
    func finish() {
        outbound.finish()
    }

    /// The next answer: its head, and as much body as the head says; `nil` when the server has
    /// closed. An answer to HEAD has no body whatever its head says.
    @concurrent
    mutating func answer(toHead: Bool = false) async throws -> RawAnswer? {
        while true {
            if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
                var answer = RawAnswer(head: head)
                let length = toHead ? 0 : Int(answer["content-length"] ?? "0") ?? 0
                if received.count >= end.upperBound + length {
                    answer.body = Array(received[end.upperBound..<end.upperBound + length])
                    received.removeSubrange(..<(end.upperBound + length))
                    return answer
                }
            }
            guard let more = try await inbound.next() else { return nil }
            received += more.readableBytesView
        }
    }

    /// What comes up to and with a text, which must come; what follows is kept for the next call.
    @concurrent
    mutating func text(until end: String) async throws -> String {
        while true {
            if let range = received.firstRange(of: Array(end.utf8)) {
                defer { received.removeSubrange(..<range.upperBound) }
                return String(decoding: received[..<range.upperBound], as: UTF8.self)
            }
            guard let more = try await inbound.next() else {
                throw TestingError.failed("the server closed before: \(end)")
            }
            received += more.readableBytesView
        }
    }

    /// Everything until the server closes, in whatever way.
    @concurrent
    mutating func rest() async -> [UInt8] {
        do {
            while let more = try await inbound.next() { received += more.readableBytesView }
        } catch {}
        return received
    }
}

/// An answer as it came over the wire.
struct RawAnswer: Sendable {
    let head: String
    var body: [UInt8] = []

    var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a header, by its name in lower case.
    subscript(name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name {
                return String(parts[1].drop { $0 == " " })
            }
        }
        return nil
    }
}

extension String {
    /// How often a text occurs.
    func components(of text: String) -> Int {
        ranges(of: text).count
    }
}
