import NIOCore
import Synchronization

/// A target that decides over every byte of its answers.
final class RawTarget: Sendable {
    /// One connection of a client.
    struct Client: ~Copyable {
        fileprivate var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        fileprivate let target: RawTarget
        private var unread: [UInt8] = []

        fileprivate init(
            _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
            _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ target: RawTarget
        ) {
            self.inbound = inbound
            self.outbound = outbound
            self.target = target
        }

        /// The bytes of the next request, whose body is ``sampleBody``; `nil` when the client has
        /// hung up.
        @concurrent
        mutating func request() async throws -> String? {
            while !unread.hasSuffix(sampleBody) {
                guard let more = try await inbound.next() else { return nil }
                unread += more.readableBytesView
            }
            target.count.add(1, ordering: .relaxed)
            defer { unread = [] }
            return String(decoding: unread, as: UTF8.self)
        }

        /// Waits for the first bytes of a request.
        @concurrent
        mutating func firstBytes() async throws -> Bool {
            try await inbound.next() != nil
        }

        func send(_ text: String) async throws {
            try await outbound.write(ByteBuffer(string: text))
        }

        func send(_ bytes: [UInt8]) async throws {
            try await outbound.write(ByteBuffer(bytes: bytes))
        }

        /// Returns when the client has hung up.
        @concurrent
        mutating func end() async {
            do { while try await inbound.next() != nil {} } catch {}
            target.ended.add(1, ordering: .relaxed)
        }
    }

    private let count = Atomic(0)
    private let opened = Atomic(0)
    private let ended = Atomic(0)

    /// Requests that came to their end.
    var requestCount: Int { count.load(ordering: .relaxed) }
    /// Clients that hung up while ``Client/end()`` waited for it.
    var endCount: Int { ended.load(ordering: .relaxed) }
    /// Connections that were made.
    var connectionCount: Int { opened.load(ordering: .relaxed) }

    static func run(
        serve: @escaping @concurrent @Sendable (inout Client) async throws -> Void,
        _ body: (Int, RawTarget) async throws -> Void
    ) async throws {
        let target = RawTarget()
        try await SocketServer.run(serve: {
            (
                inbound: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
                outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
            ) in
            target.opened.add(1, ordering: .relaxed)
            var client = Client(inbound, outbound, target)
            try await serve(&client)
        }) { port in try await body(port, target) }
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ end: [UInt8]) -> Bool {
        count >= end.count && self[(count - end.count)...].elementsEqual(end)
    }
}
