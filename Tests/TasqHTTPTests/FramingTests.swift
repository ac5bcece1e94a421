import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What a connection does with requests no library would send.
@Suite(.medium)
struct FramingTests {
    @Test(arguments: [
        "Content-Length and Transfer-Encoding":
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding and Content-Length":
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "two equal lengths": "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "a list of lengths": "Content-Length: 5, 5\r\n\r\nhello",
        "a signed length": "Content-Length: +5\r\n\r\nhello",
        "a negative length": "Content-Length: -5\r\n\r\nhello",
        "a length beyond 64 bits": "Content-Length: 18446744073709551621\r\n\r\nhello",
        "an empty length": "Content-Length: \r\n\r\n",
        "a folded header": "X-A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello",
        "a folded length": "Content-Length:\r\n 5\r\n\r\nhello",
        "bare line feeds": "Content-Length: 5\n\nhello",
        "a bare carriage return": "X-A: b\rContent-Length: 5\r\n\r\nhello",
        "xchunked": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "chunked twice": "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "chunked in two headers":
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "gzip, chunked": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "a vertical tab before chunked": "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        "a blank before the colon": "Content-Length : 5\r\n\r\nhello",
        "a NUL in a value": "X-A: b\0c\r\nContent-Length: 5\r\n\r\nhello",
        "a bad chunk size": "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "a signed chunk size": "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        "a chunk longer than it says": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        "an endless chunk size":
            "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "bare line feeds in chunks": "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
        "two hosts": "Host: b\r\nContent-Length: 5\r\n\r\nhello",
        "an empty name": ": x\r\nContent-Length: 5\r\n\r\nhello",
    ])
    func `Broken framing is answered with 400 and the end`(
        _ name: String, _ rest: String
    ) async throws {
        try await serving(Echo()) { address in
            // What a smuggler wants to be taken for a request of its own.
            let smuggled = "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nS"
            let said = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.1\r\nHost: a\r\n\(rest)\(smuggled)".utf8))
            #expect(said.hasPrefix("HTTP/1.1 400 "), "\(name): \(said)")
            #expect(said.contains("Connection: close"), "\(name)")
            #expect(said.contains("urn:tasq:problem:malformed-request"), "\(name)")
            #expect(said.components(of: "HTTP/1.1 ") == 1, "\(name): \(said)")
        }
    }

    @Test(arguments: [
        "no version": "POST /\r\n\r\n", "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/0.9": "POST / HTTP/0.9\r\nHost: a\r\n\r\n",
        "HTTP/3.0": "POST / HTTP/3.0\r\nHost: a\r\n\r\n",
        "no host": "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "TLS": "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
        "an unknown method": "FROB / HTTP/1.1\r\n\r\n",
        "a blank in the target": "POST /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "chunked in HTTP/1.0":
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ])
    func `A broken head is answered with 400 and the end`(
        _ name: String, _ bytes: String
    ) async throws {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(with: address, Array(bytes.utf8))
            #expect(said.hasPrefix("HTTP/1.1 400 "), "\(name): \(said)")
            #expect(said.contains("Connection: close"), "\(name)")
        }
    }

    @Test func `A length over the limit is refused before a byte of the body is read`()
        async throws
    {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n".utf8))
            #expect(said.hasPrefix("HTTP/1.1 413 "))
            #expect(said.contains("Connection: close"))
        }
    }

    @Test func `A chunked body over the limit is refused, one at the limit is not`() async throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 1000
        try await serving(Echo(), limits: limits) { address in
            let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            let half = "1F4\r\n" + String(repeating: "x", count: 500) + "\r\n"
            let tooMuch = try await RawConnection.exchange(
                with: address, Array((head + half + half + "1\r\nx\r\n0\r\n\r\n").utf8))
            #expect(tooMuch.hasPrefix("HTTP/1.1 413 "))
            let enough = try await RawConnection.exchange(
                with: address, Array((head + half + half + "0\r\n\r\n").utf8), thenFinish: true)
            #expect(enough.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `Headers that are too long or too many are refused with 431`() async throws {
        try await serving(Echo()) { address in
            let long = "X-Long: " + String(repeating: "x", count: 60_000)
            let many = (0..<200).map { "X-\($0): y" }.joined(separator: "\r\n")
            let path = "/" + String(repeating: "p", count: 60_000)
            for head in ["/ HTTP/1.1\r\n\(long)", "/ HTTP/1.1\r\n\(many)", "\(path) HTTP/1.1"] {
                let said = try await RawConnection.exchange(
                    with: address, Array("POST \(head)\r\nHost: a\r\n\r\n".utf8))
                #expect(said.hasPrefix("HTTP/1.1 431 "), "\(said.prefix(200))")
                #expect(said.contains("urn:tasq:problem:headers-too-large"))
            }
        }
    }

    @Test func `A body whose end never comes is a 400 when the client hangs up`() async throws {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello".utf8),
                thenFinish: true)
            #expect(said.hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `Pipelined requests are answered in their order on one connection`() async throws {
        try await serving(Echo()) { address in
            try await RawConnection.open(to: address) { connection in
                try await connection.send(
                    (0..<20).map { number in
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\(10 + number)"
                    }.joined())
                for number in 0..<20 {
                    let said = try await connection.answer()
                    #expect(said?.text == "\(10 + number)")
                }
            }
        }
    }

    @Test func `A client that has said everything and half-closed still gets its answer`()
        async throws
    {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".utf8),
                thenFinish: true)
            #expect(said.hasPrefix("HTTP/1.1 200 "))
            #expect(said.hasSuffix("hello"))
        }
    }

    @Test func `HTTP 1.0 is answered and closed, or kept when the client asks for it`()
        async throws
    {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(
                with: address, Array("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello".utf8))
            #expect(said.hasPrefix("HTTP/1.1 200 "))
            #expect(said.contains("Connection: close"))
            try await RawConnection.open(to: address) { connection in
                for _ in 0..<2 {
                    try await connection.send(
                        "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx")
                    let said = try await connection.answer()
                    #expect(said?["connection"] == "keep-alive")
                }
            }
        }
    }

    @Test(arguments: ["close", "Close", "keep-alive, close"])
    func `Connection close is honoured however it is written`(_ value: String) async throws {
        try await serving(Echo()) { address in
            let said = try await RawConnection.exchange(
                with: address,
                Array(
                    "POST / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\nContent-Length: 1\r\n\r\nx"
                        .utf8))
            #expect(said.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `Expect 100-continue gets its interim answer, and none when it is refused`()
        async throws
    {
        try await serving(Echo()) { address in
            let expect = "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            try await RawConnection.open(to: address) { connection in
                try await connection.send("POST / \(expect)")
                let said = try await connection.answer()
                #expect(said?.status == 100)
                try await connection.send("hello")
                let echoed = try await connection.answer()
                #expect(echoed?.text == "hello")
            }
            let refused = try await RawConnection.exchange(
                with: address, Array("PUT / \(expect)".utf8))
            #expect(refused.hasPrefix("HTTP/1.1 405 "))
            let unknown = try await RawConnection.exchange(
                with: address,
                Array("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n".utf8))
            #expect(unknown.hasPrefix("HTTP/1.1 417 "))
            #expect(unknown.contains("urn:tasq:problem:expectation-failed"))
        }
    }

    @Test func `An answer to HEAD has no body and keeps the connection`() async throws {
        try await serving(Echo()) { address in
            try await RawConnection.open(to: address) { connection in
                try await connection.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
                let said = try await connection.answer(toHead: true)
                let answer = try #require(said)
                #expect(answer.status == 405)
                #expect(answer["allow"] == "POST")
                try await connection.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                let echoed = try await connection.answer()
                #expect(echoed?.text == "x")
            }
        }
    }

    @Test func `A request for an upgrade is answered as HTTP and the connection ends`()
        async throws
    {
        try await serving(Echo()) { address in
            for upgrade in ["h2c", "websocket"] {
                let said = try await RawConnection.exchange(
                    with: address,
                    Array(
                        ("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: \(upgrade)\r\n"
                            + "Content-Length: 5\r\n\r\nhello").utf8))
                #expect(said.hasPrefix("HTTP/1.1 200 "))
            }
            let said = try await RawConnection.exchange(
                with: address, Array("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            #expect(said.hasPrefix("HTTP/1.1 405 "))
        }
    }
}
