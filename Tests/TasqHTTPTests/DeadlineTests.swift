import ServiceLifecycle
import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Waits until the test lets it go, then answers.
private struct Gate: Responder {
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation
    private let waiting = Waiting()

    private final class Waiting: Sendable {
        let state = Mutex<(isOpen: Bool, continuations: [CheckedContinuation<Void, Never>])>(
            (false, []))
    }

    init() {
        (arrivals, arrived) = AsyncStream.makeStream()
    }

    /// Returns when a request is waiting.
    func arrival() async {
        for await _ in arrivals { return }
    }

    func open() {
        let continuations = waiting.state.withLock { state in
            state.isOpen = true
            return state.continuations
        }
        for continuation in continuations { continuation.resume() }
    }

    func admit(_ head: RequestHead) throws(Problem) {}

    func answer(_ request: Request) async throws(Problem) -> Answer {
        arrived.yield()
        await withCheckedContinuation { continuation in
            let isOpen = waiting.state.withLock { state in
                if !state.isOpen { state.continuations.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return .json { $0.member("done", true) }
    }
}

/// What a listener does with those who take their time, and when there are too many.
@Suite(.medium)
struct DeadlineTests {
    private static let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"

    private static func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    /// Short enough not to wait for, long enough for a busy machine to send the first byte.
    private static let short = limits { $0.request = .seconds(6).onThisMachine }

    /// Sends one byte after the other until the server closes; returns what it said. The pause
    /// between two of them is what makes it a drip: without it they would soon be too many.
    private func drip(_ start: String, _ byte: String, to address: ListenAddress) async throws
        -> String
    {
        try await RawConnection.open(to: address) { connection in
            let writer = connection
            try await writer.send(start)
            return await withThrowingTaskGroup(of: Void.self) { group in
                let outbound = writer.sender
                group.addTask {
                    while !Task.isCancelled {
                        try await Task.sleep(for: .milliseconds(20))
                        try await outbound(byte)
                    }
                }
                let said = await connection.rest()
                group.cancelAll()
                while let result = await group.nextResult() { _ = result }
                return String(decoding: said, as: UTF8.self)
            }
        }
    }

    @Test func `A body that drips is cut at the deadline, whatever arrives in between`()
        async throws
    {
        try await serving(Echo(), limits: Self.short) { address in
            let said = try await drip(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "x", to: address)
            #expect(said.hasPrefix("HTTP/1.1 408 "), "\(said)")
            #expect(said.contains("urn:tasq:problem:body-too-slow"))
        }
    }

    @Test func `Headers that drip are cut at the deadline`() async throws {
        try await serving(Echo(), limits: Self.short) { address in
            let said = try await drip("POST / HTTP/1.1\r\nX-A: ", "x", to: address)
            #expect(said.hasPrefix("HTTP/1.1 408 "), "\(said)")
        }
    }

    @Test func `A second request that drips is cut too, after the first was answered`()
        async throws
    {
        try await serving(Echo(), limits: Self.short) { address in
            let said = try await drip(Self.request + "POST / HTTP/1.1\r\nX-A: ", "x", to: address)
            #expect(said.hasPrefix("HTTP/1.1 200 "), "\(said)")
            #expect(said.contains("HTTP/1.1 408 "), "\(said)")
        }
    }

    @Test func `A body that drips after its refusal is cut as well`() async throws {
        try await serving(Echo(), limits: Self.short) { address in
            let said = try await drip(
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "x", to: address)
            #expect(said.hasPrefix("HTTP/1.1 405 "), "\(said)")
        }
    }

    @Test func `Connections that say nothing are closed without a word`() async throws {
        let silent = try await serving(
            Echo(), limits: Self.limits { $0.request = .milliseconds(100) }
        ) { address in
            try await RawConnection.exchange(with: address, [])
        }
        #expect(silent.isEmpty)
        try await serving(Echo(), limits: Self.limits { $0.idle = .milliseconds(100) }) { address in
            let idle = try await RawConnection.exchange(with: address, Array(Self.request.utf8))
            #expect(idle.components(of: "HTTP/1.1 ") == 1)
        }
    }

    @Test func `A client that does not take its answer is disconnected`() async throws {
        let limits = Self.limits { limits in
            limits.answer = .milliseconds(200)
            limits.bodyBytes = 64 << 20
            limits.request = .seconds(60)
        }
        try await serving(Echo(), limits: limits) { address in
            try await RawConnection.open(to: address) { connection in
                // Far more than the sockets' buffers hold comes back; nobody reads it.
                let body = [UInt8](repeating: 0x78, count: 48 << 20)
                try await connection.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
                try await connection.send(body)
                // The server's reset ends the connection for the writer, which waits for room.
                await #expect(throws: (any Error).self) {
                    while true { try await connection.send("POST / HTTP/1.1\r\n") }
                }
            }
        }
    }

    @Test func `More requests at once than allowed are told to come back`() async throws {
        let gate = Gate()
        try await serving(gate, limits: Self.limits { $0.inFlight = 1 }) { address in
            async let first = RawConnection.open(to: address) { connection in
                try await connection.send(Self.request)
                return try await connection.answer()
            }
            await gate.arrival()
            let second = try await RawConnection.open(to: address) { connection in
                try await connection.send(Self.request)
                return try await connection.answer()
            }
            #expect(second?.status == 503)
            #expect(second?.text.contains("urn:tasq:problem:overloaded") == true)
            #expect((1...10).contains(Int(second?["retry-after"] ?? "") ?? 0))
            gate.open()
            #expect(try await first?.status == 200)
        }
    }

    @Test func `Large bodies that do not fit in memory are refused, small ones get through`()
        async throws
    {
        try await serving(Echo(), limits: Self.limits { $0.bufferedBytes = 1000 }) { address in
            for (size, status) in [(200_000, 503), (HTTPLimits.freeBodyBytes, 200)] {
                let answer = try await RawConnection.open(to: address) { connection in
                    try await connection.send(
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n"
                            + String(repeating: "x", count: size))
                    return try await connection.answer()
                }
                #expect(answer?.status == status)
            }
        }
    }

    @Test func `Connections beyond the limit wait until one closes`() async throws {
        try await serving(Echo(), limits: Self.limits { $0.connections = 1 }) { address in
            try await RawConnection.open(to: address) { first in
                try await first.send(Self.request)
                let said = try await first.answer()
                #expect(said?.status == 200)
                // Accepted only once the first one is closed.
                async let second = RawConnection.exchange(
                    with: address, Array(Self.request.utf8), thenFinish: true)
                try await first.send(Self.request)
                let again = try await first.answer()
                #expect(again?.status == 200)
                first.finish()
                _ = await first.rest()
                let late = try await second
                #expect(late.hasPrefix("HTTP/1.1 200 "), "\(late)")
            }
        }
    }

    @Test func `Shutdown answers what was asked, and takes no more`() async throws {
        let gate = Gate()
        let signal = ListenSignal()
        let listener = Listener(
            address: ListenAddress(host: "127.0.0.1", port: 0), limits: HTTPLimits(),
            responder: gate, meters: HTTPMeters(), logger: quiet, onListening: signal.tell)
        let address = try await serving([listener]) { group in
            let address = try await signal.address()
            try await RawConnection.open(to: address) { connection in
                try await connection.send(Self.request)
                await gate.arrival()
                await group.triggerGracefulShutdown()
                gate.open()
                let said = try await connection.answer()
                let answer = try #require(said)
                #expect(answer.status == 200)
                let rest = await connection.rest()
                #expect(rest.isEmpty)
            }
            return address
        }
        await #expect(throws: (any Error).self) {
            _ = try await RawConnection.exchange(with: address, Array(Self.request.utf8))
        }
    }

    @Test func `A port that is taken is an error that names the address`() async throws {
        try await serving(Echo()) { address in
            let second = Listener(
                address: address, limits: HTTPLimits(), responder: Echo(), meters: HTTPMeters(),
                logger: quiet, onListening: { _ in })
            let error = await #expect(throws: ListenError.self) { try await second.run() }
            #expect(error?.description.contains("\(address)") == true)
        }
    }
}
