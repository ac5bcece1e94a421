import NIOCore
import Tasq
import TasqWebhooks
import Testing

@Suite struct PeerRuleTests {
    static let forbidden = [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1",
        "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "192.0.0.192", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::1", "::", "::ffff:127.0.0.1", "::ffff:a00:1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2001::1",
        "fec0::1", "100::1", "5f00::1", "3fff::1",
    ]

    @Test(arguments: forbidden)
    func `An address that is not public is objected to`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(try rule().objection(to: address) != nil)
        #expect(try rule(allow: [String(text.prefix { $0 != "%" })]).objection(to: address) == nil)
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0",
        "192.167.255.255", "100.63.255.255", "100.128.0.0", "169.253.255.255", "223.255.255.255",
        "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888",
        "::ffff:8.8.8.8", "64:ff9b::808:808",
    ])
    func `A public address is not`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(try rule().objection(to: address) == nil)
    }

    @Test func `An allowed range lets in its own addresses only`() throws {
        let rule = try rule(allow: ["10.20.0.0/16", "fd00:1::/32"])
        for (text, isAllowed) in [
            ("10.20.0.1", true), ("10.20.255.255", true), ("10.21.0.0", false),
            ("10.19.255.255", false), ("::ffff:10.20.1.1", true), ("64:ff9b::a14:1", true),
            ("fd00:1::5", true), ("fd00:2::5", false), ("127.0.0.1", false),
        ] {
            let address = try #require(IPAddress(text))
            #expect((rule.objection(to: address) == nil) == isAllowed, "\(text)")
        }
    }

    @Test func `An allowed host name counts for that host only`() throws {
        let address = try #require(IPAddress("10.0.0.1"))
        #expect(try rule(allow: ["CI.example"]).objection(to: address) == nil)
        #expect(try rule(allow: ["other.example"]).objection(to: address) != nil)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "a b", "*", "10.0.0.0/-1",
    ])
    func `What is no address, range or name is refused`(entry: String) {
        #expect(throws: InvalidInput.self) { try rule(allow: [entry]) }
    }

    @Test(arguments: [
        "", "1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "256.0.0.1",
        "1.2.3.4.5", "1.2.3.4 ", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "12345::", "::1.2.3", "1.2.3.4::", "g::", "1:2:3:4:5:6:7::8", "[::1]", "::ffff:1.2.3.4.5",
    ])
    func `What is no address is not read as one`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `Random addresses are read as the system writes them`() throws {
        var random = SeededGenerator(seed: 99)
        for _ in 0..<5000 {
            var bytes = (0..<16).map { _ in
                Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes.replaceSubrange(0..<12, with: Array(repeating: 0, count: 10) + [0xFF, 0xFF])
            }
            let address = try SocketAddress(
                packedIPAddress: ByteBuffer(bytes: bytes), port: 80)
            let text = try #require(address.ipAddress)
            let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            #expect(IPAddress(text) == IPAddress(bits: bits), "\(text)")
        }
    }

    private func rule(allow: [String] = []) throws -> PeerRule {
        try PeerRule(allow: allow, host: "ci.example", field: "allow")
    }
}
