import NIOCore
import NIOHTTP1
import Tasq

/// Reads the answer to one request from the bytes of a connection, piece by piece.
///
/// A value without a connection: bytes go in, parts come out. Whatever a stranger sends ends in a
/// part, in waiting for more, or in ``RequestFault/notHTTP``; every number is checked before it is
/// computed with, and nothing is kept but the head and what was not read yet.
struct AnswerReader {
    enum Part {
        /// The head; interim answers (1xx) are skipped.
        case head(HTTPAnswer)
        case body(ByteBuffer)
        case end
    }

    /// Bytes of the heads of one answer, interim ones and trailers included.
    static let headByteLimit = 65_536
    /// Headers of one head.
    static let fieldLimit = 256
    /// Interim answers before the answer.
    static let interimLimit = 16
    /// Bytes of the line before a chunk.
    static let chunkLineLimit = 1024

    private enum State {
        case statusLine
        case fields(status: Int, HTTPHeaders)
        case sized(left: Int)
        case untilEnd
        case chunkLine
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case done
    }

    /// Whether the connection can carry another request after this answer.
    private(set) var keepsAlive = true
    private let isToHead: Bool
    private var state = State.statusLine
    private var pending = ByteBuffer()
    /// Bytes of ``pending`` that are known to hold no end of a line.
    private var scanned = 0
    private var headBytes = 0
    private var fieldCount = 0
    private var interims = 0

    /// An answer to `HEAD` has no body, whatever its head says.
    init(isToHead: Bool = false) {
        self.isToHead = isToHead
    }

    /// Whether bytes have come that are not part of the answer.
    var hasLeftOver: Bool { pending.readableBytes > 0 }

    /// Whether the end of the connection is the end of the answer.
    var endsWithConnection: Bool {
        if case .untilEnd = state { true } else { false }
    }

    mutating func feed(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next part; `nil` when more bytes are needed.
    mutating func next() throws(RequestFault) -> Part? {
        while true {
            switch state {
            case .statusLine:
                guard let line = try headLine() else { return nil }
                state = .fields(status: try readStatus(line), HTTPHeaders())
            case .fields(let status, var headers):
                guard let line = try headLine() else { return nil }
                if line.isEmpty {
                    if let head = try end(ofHead: status, headers) { return .head(head) }
                } else {
                    state = .done
                    try add(line, to: &headers)
                    state = .fields(status: status, headers)
                }
            case .sized(let left), .chunk(let left):
                return read(left)
            case .untilEnd:
                guard pending.readableBytes > 0 else { return nil }
                return pending.readSlice(length: pending.readableBytes).map { .body($0) }
            case .chunkLine:
                guard let line = try line(limit: Self.chunkLineLimit) else { return nil }
                let size = try chunkSize(line)
                state = size == 0 ? .trailers : .chunk(left: size)
            case .chunkEnd:
                guard let line = try line(limit: 2) else { return nil }
                guard line.isEmpty else { throw .notHTTP }
                state = .chunkLine
            case .trailers:
                guard let line = try headLine() else { return nil }
                guard line.isEmpty else { continue }
                state = .done
                return .end
            case .done:
                return nil
            }
        }
    }

    // MARK: Lines

    /// A line of a head, without its end.
    private mutating func headLine() throws(RequestFault) -> ByteBufferView? {
        let before = pending.readerIndex
        let line = try line(limit: Self.headByteLimit - headBytes)
        headBytes += pending.readerIndex - before
        return line
    }

    /// The next line without its end, which may be a bare line feed (RFC 9112, section 2.2).
    private mutating func line(limit: Int) throws(RequestFault) -> ByteBufferView? {
        let bytes = pending.readableBytesView
        let unseen = bytes.dropFirst(scanned)
        guard let end = unseen.firstIndex(of: 0x0A) else {
            scanned = bytes.count
            guard scanned < limit else { throw .notHTTP }
            return nil
        }
        let length = end - bytes.startIndex + 1
        guard length <= limit else { throw .notHTTP }
        scanned = 0
        pending.moveReaderIndex(forwardBy: length)
        let line = bytes[..<end]
        return line.last == 0x0D ? line.dropLast() : line
    }

    /// `HTTP/1.1 200 OK`, where the words at the end may be missing.
    private mutating func readStatus(_ line: ByteBufferView) throws(RequestFault) -> Int {
        let line = Array(line.prefix(13))
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), isDigit(line[7]),
            line[8] == 0x20, line[9...11].allSatisfy(isDigit), line.count == 12 || line[12] == 0x20
        else { throw .notHTTP }
        if line[7] == 0x30 { keepsAlive = false }
        let status = line[9...11].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (100...599).contains(status), status != 101 else { throw .notHTTP }
        return status
    }

    private mutating func add(
        _ line: ByteBufferView, to headers: inout HTTPHeaders
    ) throws(RequestFault) {
        fieldCount += 1
        guard fieldCount <= Self.fieldLimit, let colon = line.firstIndex(of: 0x3A),
            colon > line.startIndex, line[..<colon].allSatisfy(isTokenByte)
        else { throw .notHTTP }
        let value = line[(colon + 1)...].drop(while: isBlank)
        guard isFieldValue(value) else { throw .notHTTP }
        let blanks = value.reversed().prefix(while: isBlank).count
        headers.add(
            name: String(decoding: line[..<colon], as: UTF8.self),
            value: String(decoding: value.dropLast(blanks), as: UTF8.self))
    }

    /// Hexadecimal, and after a semicolon what nobody asked for.
    private func chunkSize(_ line: ByteBufferView) throws(RequestFault) -> Int {
        let digits = line.prefix { hexDigit($0) != nil }
        let rest = line[digits.endIndex...].drop(while: isBlank)
        guard (1...15).contains(digits.count), rest.isEmpty || rest.first == 0x3B else {
            throw .notHTTP
        }
        return digits.reduce(0) { $0 << 4 | Int(hexDigit($1) ?? 0) }
    }

    // MARK: Framing

    /// The answer whose head has ended; `nil` for an interim one.
    private mutating func end(
        ofHead status: Int, _ headers: HTTPHeaders
    ) throws(RequestFault) -> HTTPAnswer? {
        fieldCount = 0
        guard status >= 200 else {
            interims += 1
            guard interims <= Self.interimLimit else { throw .notHTTP }
            state = .statusLine
            return nil
        }
        let wishes = headers[canonicalForm: "connection"].map { $0.lowercased() }
        if wishes.contains("close") { keepsAlive = false }
        state = try framing(status, headers)
        return HTTPAnswer(status: status, headers: headers)
    }

    /// How the end of the body is known (RFC 9112, section 6.3).
    private mutating func framing(
        _ status: Int, _ headers: HTTPHeaders
    ) throws(RequestFault) -> State {
        if isToHead || status == 204 || status == 304 { return .sized(left: 0) }
        let codings = headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }
        let lengths = headers[canonicalForm: "content-length"]
        if let last = codings.last {
            if !lengths.isEmpty { keepsAlive = false }
            if last == "chunked" { return .chunkLine }
            keepsAlive = false
            return .untilEnd
        }
        guard let text = lengths.first else {
            keepsAlive = false
            return .untilEnd
        }
        guard lengths.allSatisfy({ $0 == text }), text.utf8.allSatisfy(isDigit),
            let length = Int(text)
        else { throw .notHTTP }
        return .sized(left: length)
    }

    /// A piece of a body of which so many bytes are left, or of a chunk; the end of both.
    private mutating func read(_ left: Int) -> Part? {
        var isChunk = false
        if case .chunk = state { isChunk = true }
        guard left > 0 else {
            state = .done
            return .end
        }
        guard let piece = pending.readSlice(length: min(left, pending.readableBytes)),
            piece.readableBytes > 0
        else { return nil }
        let rest = left - piece.readableBytes
        if isChunk {
            state = rest == 0 ? .chunkEnd : .chunk(left: rest)
        } else {
            state = .sized(left: rest)
        }
        return .body(piece)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
