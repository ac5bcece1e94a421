import NIOCore
import NIOEmbedded
import TasqTesting
import TestSizes
import Testing

@testable import TasqTLS

/// Both ends are ours, and the line between them is not to be relied on.
@Suite(.medium) struct TLSHandlerTests {
    @Test(arguments: [Int.max, 1000, 1])
    func `What is written on one side comes out on the other, whatever pieces it comes in`(
        pieces: Int
    ) async throws {
        let line = try await Certificates().line()
        let long = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        // Before there is a handshake, and around one another.
        line.client.write("first ")
        line.client.write("second")
        try line.open(pieces: pieces)
        line.server.write(long)
        line.client.write(long)
        line.carry(pieces: pieces)
        #expect(line.server.heard == Array("first second".utf8) + long)
        #expect(line.client.heard == long)
        #expect(line.client.faults.isEmpty && line.server.faults.isEmpty)
    }

    @Test func `A write is kept only when its last byte has been written to the socket`()
        async throws
    {
        let line = try await Certificates().line()
        let early = line.client.write("early")
        try line.client.activate()
        #expect(early.isKept == nil)
        try line.server.activate()
        line.carry()
        #expect(early.isKept == true)
        line.client.isBlocked = true
        let late = line.client.write([UInt8](repeating: 1, count: 100_000))
        #expect(late.isKept == nil)
        line.client.isBlocked = false
        #expect(late.isKept == true)
        let never = line.client.write("never flushed", flushes: false)
        line.client.close()
        #expect(never.isKept == false)
        #expect(line.client.write("too late").isKept == false)
    }

    @Test func `A close says farewell, and ends when the other side has`() async throws {
        let line = try await Certificates().line()
        try line.open()
        line.client.write("all")
        let closed = line.client.close()
        #expect(closed.isKept == nil)
        line.carry()
        #expect(closed.isKept == true)
        #expect(line.server.text == "all")
        #expect(!line.client.isOpen && !line.server.isOpen)
        #expect(line.client.faults.isEmpty && line.server.faults.isEmpty)
    }

    @Test func `A peer that says no farewell is waited for in vain for a second`() async throws {
        let line = try await Certificates().line()
        try line.open()
        line.client.close()
        line.client.wait(.milliseconds(999))
        #expect(line.client.isOpen)
        line.client.wait(.milliseconds(1))
        #expect(!line.client.isOpen)
        #expect(line.client.faults.isEmpty)
    }

    @Test func `One direction is closed while the other goes on`() async throws {
        let line = try await Certificates().line(halfCloses: true)
        try line.client.activate()
        line.client.write("question")
        line.client.close(.output)
        try line.server.activate()
        line.carry()
        #expect(line.server.text == "question")
        #expect(line.server.inputEnds == 1)
        line.server.write("answer")
        line.server.close(.output)
        line.carry()
        #expect(line.client.text == "answer")
        #expect(line.client.faults.isEmpty && line.server.faults.isEmpty)
        #expect(!line.server.isOpen)
    }

    @Test func `A close waits for what was written before it when the peer has closed its side`()
        async throws
    {
        let line = try await Certificates().line(halfCloses: true)
        try line.open()
        line.client.close(.output)
        line.carry()
        line.server.isBlocked = true
        let answer = line.server.write([UInt8](repeating: 1, count: 100_000))
        let closed = line.server.close(.output)
        #expect(line.server.isOpen)
        #expect(answer.isKept == nil && closed.isKept == nil)
        line.server.isBlocked = false
        #expect(!line.server.isOpen)
        #expect(answer.isKept == true && closed.isKept == true)
        line.carry()
        #expect(line.client.heard.count == 100_000)
        #expect(line.client.faults.isEmpty)
    }

    @Test func `An end without a farewell is told, during the handshake and after it`()
        async throws
    {
        let certificates = try await Certificates()
        let early = try certificates.line()
        try early.client.activate()
        try early.server.activate()
        early.server.receive(early.client.sent())
        var half = early.server.sent()
        let some = half.readSlice(length: 100)
        early.client.receive(try #require(some))
        early.client.lose()
        #expect(early.client.faults == [.hungUp])
        early.server.loseInput()
        #expect(early.server.faults == [.hungUp])
        #expect(!early.server.isOpen)

        let late = try certificates.line(halfCloses: true)
        try late.open()
        late.server.write("an answer, of which the end is missing")
        var record = late.server.sent()
        let part = record.readSlice(length: 20)
        late.client.receive(try #require(part))
        late.client.lose()
        #expect(late.client.faults == [.cut])
        #expect(late.client.heard.isEmpty)
        late.server.loseInput()
        late.server.loseInput()
        #expect(late.server.faults == [.cut])
        #expect(late.server.inputEnds == 1)
    }

    @Test func `A byte that was changed on the way ends the connection`() async throws {
        let line = try await Certificates().line()
        try line.open()
        line.client.write("pay 1")
        var record = Array(line.client.sent().readableBytesView)
        record[record.count - 3] ^= 1
        line.server.receive(ByteBuffer(bytes: record))
        #expect(line.server.heard.isEmpty)
        #expect(line.server.faults.count == 1)
        #expect(!line.server.isOpen)
        line.carry()
        // bad_record_mac.
        #expect(line.client.faults == [.refused(alert: 20)])
    }

    /// Whoever takes an end without a fault for a whole answer must not be told of it first.
    @Test func `A fault is told before the end, though its alert cannot be written`() async throws {
        let line = try await Certificates().line()
        try line.open()
        line.client.write("all of it")
        var bytes = Array(line.client.sent().readableBytesView)
        bytes[bytes.count - 1] ^= 1
        line.server.breakAtFlush()
        line.server.receive(ByteBuffer(bytes: bytes))
        #expect(line.server.heard.isEmpty)
        #expect(line.server.faultsAtEnd == 1)
        #expect(line.server.faults.count == 1)
    }

    @Test func `Noise in place of a handshake ends the connection with a fault`() async throws {
        let certificates = try await Certificates()
        var noise = Noise(state: 20)
        let firsts: [[UInt8]] = [
            Array("POST / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), Array("-ERR what?\r\n".utf8),
            [0x16, 3, 1, 0, 5] + Array("hello".utf8), [0x16, 3, 1, 0xFF, 0xFF] + noise.bytes(99),
            [0x80, 0x2E, 1, 0, 2], [0x15, 3, 3, 0, 2, 2, 40], [0x17, 3, 3, 0, 1, 0],
        ]
        let more = noise.bytes(70_000)
        for first in firsts + (0..<100).map({ _ in noise.bytes(64) }) {
            let line = try certificates.line()
            for end in [line.client, line.server] {
                try end.activate()
                _ = end.sent()
                end.receive(ByteBuffer(bytes: first + more))
                #expect(end.heard.isEmpty)
                #expect(end.faults.count == 1, "\(first)")
                #expect(!end.isOpen)
            }
        }
    }

    @Test func `Nothing is heard behind a handshake of which a byte was changed`() async throws {
        let certificates = try await Certificates()
        var noise = Noise(state: 21)
        for _ in 0..<100 {
            let line = try certificates.line()
            line.client.write("secret")
            try line.client.activate()
            try line.server.activate()
            var hello = Array(line.client.sent().readableBytesView)
            // Behind the record's head, whose version nobody looks at.
            let place = Int.random(in: 5..<hello.count, using: &noise)
            hello[place] ^= .random(in: 1...255, using: &noise)
            line.server.receive(ByteBuffer(bytes: hello))
            line.carry()
            #expect(line.server.heard.isEmpty, "byte \(place)")
        }
    }
}

/// The same numbers from the same seed.
private struct Noise: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: 0...255, using: &self) }
    }
}
