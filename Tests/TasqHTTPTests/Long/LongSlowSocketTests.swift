import Foundation
import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.enabled(if: LongServer.isAskedFor), .serialized, .large(limit: .seconds(1200)))
struct LongSlowSocketTests {
    private static let sockets = 5000

    @Test func `Five thousand slow sockets cost the other clients less than as much again`()
        async throws
    {
        try await LongServer.with { server in
            _ = try await measure(server, seconds: 5)
            let memory = try server.residentMegabytes()
            let before = try await measure(server, seconds: 20)
            print("slow sockets: before, \(before); \(memory) MB")

            let crowd = SlowCrowd(size: Self.sockets, address: server.ingest)
            try await crowd.open()
            let during = try await measure(server, seconds: 40)
            print(
                "slow sockets: with \(crowd.openCount) open, \(during);",
                "\(try server.residentMegabytes()) MB;",
                "\(crowd.cuts) were cut and opened again")
            #expect(crowd.openCount > Self.sockets * 9 / 10)
            // Every one of them has met its deadline at least once.
            #expect(crowd.cuts > Self.sockets)
            try await crowd.leave()
            let after = try await measure(server, seconds: 10)
            print("slow sockets: after, \(after); \(try server.residentMegabytes()) MB")
            #expect(during.percentile(99) < 2 * before.percentile(99))
        }
    }

    /// Four clients that keep their connections and post a signed event every 10 ms or so.
    private func measure(_ server: LongServer, seconds: Int) async throws -> Latencies {
        let end = ContinuousClock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: Latencies.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await RawConnection.open(to: server.ingest) { connection in
                        var latencies = Latencies()
                        while ContinuousClock.now < end {
                            latencies.add(try await server.post(on: &connection))
                            try await Task.sleep(for: .milliseconds(10))
                        }
                        return latencies
                    }
                }
            }
            return try await group.reduce(into: Latencies()) { $0.add($1) }
        }
    }
}

/// Clients that send a request at a byte a second, half of them within the head, half within the
/// body, and come back when they are cut off.
///
/// They are other machines': one thread of plain sockets, of the lowest priority, so that what they
/// cost is not taken from the server's time.
private final class SlowCrowd: Sendable {
    private struct State {
        var open = 0
        var cuts = 0
        var isOver = false
    }

    private let size: Int
    private let address: ListenAddress
    private let state = Mutex(State())

    init(size: Int, address: ListenAddress) {
        self.size = size
        self.address = address
    }

    var openCount: Int { state.withLock(\.open) }
    var cuts: Int { state.withLock(\.cuts) }

    /// Returns when all have come, which takes them ten seconds: they meet their deadlines over as
    /// many.
    func open() async throws {
        Thread.detachNewThread { self.run() }
        try await eventually("all slow sockets have come") { self.openCount == self.size }
    }

    func leave() async throws {
        state.withLock { $0.isOver = true }
        try await eventually("all slow sockets have gone") { self.openCount == 0 }
    }

    private func run() {
        #if canImport(Glibc)
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)
        #endif
        var sockets = [Int32](repeating: -1, count: size)
        var tick = 0
        while !state.withLock(\.isOver) {
            // A hundredth of a second's share at a time, so that they do not come in bursts.
            for number in stride(from: tick % 100, to: size, by: 100) where sockets[number] >= 0 {
                drip(number, &sockets[number])
            }
            let coming = size * min(tick, 1000) / 1000
            for number in 0..<coming where sockets[number] < 0 && number % 100 == tick % 100 {
                sockets[number] = connected(number)
            }
            tick += 1
            Thread.sleep(forTimeInterval: 0.01)
        }
        for socket in sockets where socket >= 0 { end(socket) }
    }

    /// Sends one more byte, or gives up a connection that the server has.
    private func drip(_ number: Int, _ socket: inout Int32) {
        var answer = [UInt8](repeating: 0, count: 1024)
        var count = unsafe recv(socket, &answer, answer.count, Int32(MSG_DONTWAIT))
        while count > 0 {
            count = unsafe recv(socket, &answer, answer.count, Int32(MSG_DONTWAIT))
        }
        let isOpen = count < 0 && errno == EAGAIN
        guard isOpen, unsafe send(socket, "x", 1, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) == 1
        else {
            end(socket)
            state.withLock { $0.cuts += 1 }
            socket = -1
            return
        }
    }

    private func end(_ socket: Int32) {
        _ = close(socket)
        state.withLock { $0.open -= 1 }
    }

    /// A connection with the start of a request on it; -1 where none is to be had now.
    private func connected(_ number: Int) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(address.port).bigEndian
        place.sin_addr.s_addr = unsafe inet_addr(address.host)
        let result = unsafe withUnsafePointer(to: &place) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let head = "POST /in/github HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
        let text = number % 2 == 0 ? head + "X-A: " : head + "\r\n"
        guard result == 0,
            unsafe send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count
        else {
            _ = close(descriptor)
            return -1
        }
        state.withLock { $0.open += 1 }
        return descriptor
    }
}
