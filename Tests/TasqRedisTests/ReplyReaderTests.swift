import NIOCore
import Testing

@testable import TasqRedis

@Suite struct ReplyReaderTests {
    private static let stream: [UInt8] = Array(
        "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\n\0b\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n$1\r\nk\r\n*2\r\n:1\r\n+x\r\n$0\r\n\r\n"
            .utf8)
    private static let replies: [Reply] = [
        .status("OK"), .error("ERR no"), .integer(-42), .bytes(Array("a\r\n\0b".utf8)), .null,
        .null, .array([]), .array([.bytes(Array("k".utf8)), .array([.integer(1), .status("x")])]),
        .bytes([]),
    ]

    @Test(arguments: [1, 2, 3, 7, 1000])
    func `Replies are the same however their bytes are cut`(_ size: Int) throws {
        var reader = ReplyReader()
        var replies: [Reply] = []
        var rest = Self.stream[...]
        while !rest.isEmpty {
            let portion = ByteBuffer(bytes: rest.prefix(size))
            rest = rest.dropFirst(size)
            try reader.feed(portion.readableBytesSpan)
            while let reply = try reader.next() { replies.append(reply) }
        }
        #expect(replies == Self.replies)
    }

    @Test(arguments: [
        "*2147483647\r\n", "*1048577\r\n", "*3000000000\r\n", "*-2\r\n", "$-2\r\n", ":x\r\n",
        ":99999999999999999999\r\n", "%1\r\n", "HTTP/1.1 400 Bad Request\r\n", "\r\n", "\0\0\0",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*1000\r\n*1048000\r\n",
    ])
    func `Bytes that are no reply, or too large a one, are refused`(_ text: String) throws {
        #expect(throws: ReplyError.self) {
            var reader = ReplyReader()
            try reader.feed(ByteBuffer(string: text).readableBytesSpan)
            while try reader.next() != nil {}
        }
    }

    @Test func `A reply may be as long as its limit and no longer`() throws {
        #expect(throws: ReplyError.self) {
            var reader = ReplyReader()
            try reader.feed(ByteBuffer(string: "$9223372036854775807\r\n").readableBytesSpan)
            let portion = ByteBuffer(repeating: 0, count: 1 << 20)
            for _ in 0..<65 {
                #expect(try reader.next() == nil)
                try reader.feed(portion.readableBytesSpan)
            }
        }
    }

    @Test func `The limits hold for each reply, not for all of them together`() throws {
        var reader = ReplyReader()
        let elements = String(repeating: ":1\r\n", count: 600_000)
        for _ in 0..<3 {
            try reader.feed(ByteBuffer(string: "*600000\r\n\(elements)").readableBytesSpan)
            guard case .array(let array) = try reader.next() else {
                Issue.record("no array")
                return
            }
            #expect(array.count == 600_000)
        }
    }

    @Test func `No bytes at all make the reader trap`() {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &generator)
        var random = Random(state: seed)
        let alphabet = Array("+-:$*\r\n0123456789-aZ\0%,".utf8)
        for _ in 0..<20_000 {
            var reader = ReplyReader()
            do {
                for _ in 0..<4 {
                    let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                        alphabet.randomElement(using: &random) ?? 0
                    }
                    try reader.feed(ByteBuffer(bytes: bytes).readableBytesSpan)
                    while try reader.next() != nil {}
                }
            } catch {
                #expect(!error.description.isEmpty, "seed \(seed)")
            }
        }
    }

    /// SplitMix64: a sequence that its seed repeats.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }
}
