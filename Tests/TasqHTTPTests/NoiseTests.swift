import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.large)
struct NoiseTests {
    @Test func `Twenty thousand random byte strings leave the listener answering`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try await serving(Echo()) { address in
            await withDiscardingTaskGroup { group in
                for part in 0..<20 {
                    group.addTask {
                        var random = Noise(seed: seed &+ UInt64(part))
                        for _ in 0..<1000 {
                            do {
                                _ = try await RawConnection.exchange(
                                    with: address, random.request(), thenFinish: true)
                            } catch {
                                // The server may close while the client still talks.
                            }
                        }
                    }
                }
            }
            let said = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello".utf8))
            #expect(said.hasSuffix("hello"), "seed \(seed)")
        }
    }
}

/// Random bytes, many of them nearly requests for a path.
struct Noise {
    private var state: UInt64
    private let path: String

    init(seed: UInt64, path: String = "/") {
        state = seed
        self.path = path
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    private static let pieces = [
        "POST ", "GET ", "HEAD ", "CONNECT ", "PRI ", "/", "/in/a", "*", " HTTP/1.1", " HTTP/1.0",
        " HTTP/2.0", "\r\n", "\n", "\r", "\r\n\r\n", "Host: a\r\n", "Content-Length: ", "5", "-1",
        "18446744073709551616", "Transfer-Encoding: chunked\r\n", "Connection: upgrade\r\n",
        "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "5;a=b\r\n",
        "Trailer: x\r\n", ": ", " ", "\t", "\0", ",", "%00", "http://a", "?", "#", "é",
    ]

    mutating func request() -> [UInt8] {
        var bytes: [UInt8] =
            next() % 4 == 0 ? [] : Array("POST \(path) HTTP/1.1\r\nHost: a\r\n".utf8)
        for _ in 0..<next() % 24 {
            if next() % 5 == 0 {
                for _ in 0..<next() % 16 { bytes.append(UInt8(truncatingIfNeeded: next())) }
            } else {
                bytes += Self.pieces[Int(next() % UInt64(Self.pieces.count))].utf8
            }
        }
        return bytes
    }
}
