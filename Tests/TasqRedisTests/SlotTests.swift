import Tasq
import Testing

@testable import TasqRedis

/// The small parts of a cluster's client, without a server.
@Suite struct SlotTests {
    private let server = ServerAddress(host: "10.0.0.1", port: 7000)

    @Test(arguments: [
        ("123456789", 12_739), ("foo", 12_182), ("bar", 5061), ("", 0),
        ("{bar}", 5061), ("x{bar}y{foo}", 5061), ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015),
        ("{bar", 4015),
    ])
    func `A key's slot is that of its tag`(key: String, slot: Int) {
        #expect(KeySlot(of: key).number == slot)
    }

    @Test func `All keys of a queue are in one slot`() {
        let keys = Keys(prefix: "tasq")
        for name in ["default", "mail", "epoch", "a:b"] {
            let queue = Name(unchecked: name)
            let slots = Set((keys.lists(queue) + [keys.epoch(of: queue)]).map { KeySlot(of: $0) })
            #expect(slots.count == 1)
        }
    }

    @Test(arguments: [
        ("MOVED 3999 10.0.0.2:6381", Redirection.moved(.init(host: "10.0.0.2", port: 6381))),
        ("ASK 3999 ::1:6381", .ask(.init(host: "::1", port: 6381))),
        ("MOVED 0 :7001", .moved(.init(host: "10.0.0.1", port: 7001))),
        ("TRYAGAIN Multiple keys request during rehashing of slot", .tryAgain),
        ("MOVED", nil), ("MOVED 1 x", nil), ("MOVED 1 x:0", nil), ("MOVED 1 x:70000", nil),
        ("MOVED 1 x:y", nil), ("MOVED 1 a b:1", nil), ("ASK 1 \u{1}:1", nil), ("ERR MOVED", nil),
        ("MOVEDX 1 a:1", nil), ("", nil),
    ])
    func `A redirection is read, and nothing else is`(text: String, expected: Redirection?) {
        #expect(Redirection(text, from: server) == expected)
    }

    private func node(_ host: Reply, _ port: Int64) -> Reply {
        .array([host, .integer(port), .bytes(Array("id".utf8)), .array([])])
    }

    private func range(_ first: Int64, _ last: Int64, _ node: Reply) -> Reply {
        .array([.integer(first), .integer(last), node, self.node(.bytes(Array("r".utf8)), 1)])
    }

    private func text(_ host: String) -> Reply { .bytes(Array(host.utf8)) }

    @Test func `A map tells who serves a slot, whoever did not know its own name`() throws {
        let map = try #require(
            SlotMap(
                .array([
                    range(0, 5000, node(text("a"), 1)), range(5001, 5061, node(.null, 2)),
                    range(5062, 9000, node(text(""), 3)), range(9001, 9001, node(text("?"), 4)),
                ]), from: server))
        #expect(map[KeySlot(of: "bar")] == ServerAddress(host: "10.0.0.1", port: 2))
        #expect(map[KeySlot(of: "foo{}{bar}")] == ServerAddress(host: "10.0.0.1", port: 3))
        #expect(map[KeySlot(of: "foo")] == nil)
        #expect(map.servedSlots == 9001)
        #expect(map.primaries.count == 3)
    }

    @Test func `What is no map is none`() {
        let good = node(text("a"), 1)
        let replies: [Reply?] = [
            nil, .null, .array([]), .integer(1), .array([.integer(1)]),
            .array([range(1, 0, good)]), .array([range(-1, 3, good)]),
            .array([range(0, 16_384, good)]), .array([range(0, 1, .null)]),
            .array([range(0, 1, node(text("?"), 4))]), .array([range(0, 1, node(text("a b"), 4))]),
            .array([range(0, 1, node(text("a"), 0))]),
            .array((0..<1001).map { range($0, $0, node(text("h\($0)"), 1)) }),
        ]
        for reply in replies { #expect(SlotMap(reply, from: server) == nil) }
    }

    @Test func `A slot learned from a redirection is entered`() throws {
        var map = try #require(
            SlotMap(.array([range(0, 16_383, node(text("a"), 1))]), from: server))
        let slot = KeySlot(of: "foo")
        map[slot] = ServerAddress(host: "b", port: 2)
        #expect(map[slot] == ServerAddress(host: "b", port: 2))
        #expect(map[KeySlot(of: "bar")] == ServerAddress(host: "a", port: 1))
    }
}
