import NIOCore
import NIOHTTP1
import Testing

@testable import TasqWebhooks

/// What one answer's bytes are read as.
@Suite struct AnswerReaderTests {
    private func read(
        _ text: String, isToHead: Bool = false
    ) throws -> (head: HTTPAnswer?, body: String, isWhole: Bool, reader: AnswerReader) {
        var reader = AnswerReader(isToHead: isToHead)
        reader.feed(ByteBuffer(string: text))
        var head: HTTPAnswer?
        var body = ""
        while let part = try reader.next() {
            switch part {
            case .head(let answer): head = answer
            case .body(let bytes): body += String(buffer: bytes)
            case .end: return (head, body, true, reader)
            }
        }
        return (head, body, false, reader)
    }

    @Test(arguments: [
        ("Content-Length: 3\r\n\r\nabc", "abc"),
        ("Content-Length: 3, 3\r\n\r\nabc", "abc"),
        ("content-length:3\t\r\n\r\nabc", "abc"),
        ("Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n", "abc"),
        ("Transfer-Encoding: gzip, Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("Content-Length: 0\r\n\r\n", ""),
    ])
    func `A body is framed by its length or in chunks`(rest: String, body: String) throws {
        let read = try read("HTTP/1.1 200 OK\r\n" + rest)
        #expect(read.head?.status == 200)
        #expect(read.body == body)
        #expect(read.isWhole && read.reader.keepsAlive && !read.reader.hasLeftOver)
    }

    @Test func `Lines may end in a bare line feed, and the words after a status may be missing`()
        throws
    {
        let read = try read("HTTP/1.1 500\nServer:  a b \nContent-Length: 1\n\nx")
        #expect(read.head?.status == 500)
        #expect(read.head?.headers["server"] == ["a b"])
        #expect(read.body == "x" && read.isWhole)
    }

    @Test(arguments: [
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false),
        ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true),
    ])
    func `Some answers have no body, whatever they say`(text: String, isToHead: Bool) throws {
        let read = try read(text, isToHead: isToHead)
        #expect(read.isWhole && read.body.isEmpty && read.reader.keepsAlive)
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ])
    func `Some answers are the last of their connection`(text: String) throws {
        let read = try read(text)
        #expect(read.isWhole && !read.reader.keepsAlive)
    }

    @Test(arguments: ["Server: x", "Transfer-Encoding: gzip"])
    func `Without a length the end of the connection ends the answer`(field: String) throws {
        let read = try read("HTTP/1.1 200 OK\r\n\(field)\r\n\r\nand so on")
        #expect(read.body == "and so on")
        #expect(!read.isWhole && read.reader.endsWithConnection && !read.reader.keepsAlive)
    }

    @Test func `Interim answers are skipped, up to a number`() throws {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        let few = String(repeating: interim, count: AnswerReader.interimLimit)
        #expect(try read(few + answer).head?.status == 202)
        #expect(throws: RequestFault.notHTTP) { try read(few + interim + answer) }
    }

    @Test(arguments: [
        "hello\r\n\r\n", "\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 600 What\r\n\r\n", "HTTP/1.1 999 What\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : x\r\n\r\n", "HTTP/1.1 200 OK\r\nA: x\r\n y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: x\u{1}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ])
    func `What is no answer of HTTP 1.1 is a fault`(text: String) {
        #expect(throws: RequestFault.notHTTP) { try read(text) }
    }

    @Test func `A head, its headers and the line of a chunk have limits`() throws {
        let start = "HTTP/1.1 200 OK\r\n"
        let length = "Content-Length: 0\r\n"
        let many = String(repeating: "a: b\r\n", count: AnswerReader.fieldLimit - 1)
        #expect(try read(start + many + length + "\r\n").isWhole)
        #expect(throws: RequestFault.notHTTP) { try read(start + many + "a: b\r\n" + length) }
        let long = "a: " + String(repeating: "x", count: AnswerReader.headByteLimit)
        // Without an end of the line, too: nothing is kept for long.
        #expect(throws: RequestFault.notHTTP) { try read(start + long) }
        #expect(throws: RequestFault.notHTTP) { try read(start + long + "\r\n\r\n") }
        #expect(throws: RequestFault.notHTTP) {
            try read(
                start + "Transfer-Encoding: chunked\r\n\r\n1;"
                    + String(repeating: "x", count: AnswerReader.chunkLineLimit))
        }
        #expect(throws: RequestFault.notHTTP) {
            try read(
                start + "Transfer-Encoding: chunked\r\n\r\n0\r\n"
                    + String(repeating: "a: b\r\n", count: AnswerReader.headByteLimit / 6 + 1))
        }
    }

    @Test func `What follows an answer is noticed`() throws {
        let read = try read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nH")
        #expect(read.isWhole && read.reader.hasLeftOver)
    }
}
