import NIOHTTP1
import Tasq

/// A complete answer to one request.
struct Answer: Sendable {
    var status: HTTPResponseStatus
    var contentType: String
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]
    /// Called when the answer could not be sent: there was no room for it here, or else its client
    /// was gone.
    var undelivered: (@Sendable (_ isOurs: Bool) async -> Void)?
    /// Writes the body bit by bit instead of ``body``, until it returns; it must return soon after
    /// its client has gone. The connection is closed behind it, and cut off when it throws.
    var stream: (@Sendable (AnswerStream) async throws -> Void)?
    /// How long the streamed body will be, where that is known.
    var streamLength: Int?
    /// Bytes that the stream holds, and what prepares it.
    var streamBytes = 0
    /// Called once there is room for ``streamBytes``, for an answer whose head is only known when they
    /// have been read; sets that and the stream.
    var prepare: (@Sendable (inout Answer) async throws(Problem) -> Void)?
    /// Whether it holds ``streamBytes``, for which it may wait.
    var isLarge: Bool { stream != nil || prepare != nil }
    /// Bytes that the answer holds until it is sent.
    var heldBytes: Int { isLarge ? streamBytes : body.count }

    /// A JSON document.
    static func json(
        _ status: HTTPResponseStatus = .ok, _ members: (inout JSONWriter) -> Void
    ) -> Answer {
        Answer(
            status: status, contentType: "application/json", body: JSONWriter.object(members))
    }

    /// The head as it goes out: what every answer carries, then what this one adds.
    func head(request: RequestID, version: HTTPVersion, keepsAlive: Bool) -> HTTPResponseHead {
        var fields = HTTPHeaders()
        fields.reserveCapacity(8 + headers.count)
        // RFC 9110, section 8.6: a 204 has no body and names no length.
        if status != .noContent {
            fields.add(name: "Content-Type", value: contentType)
            if let length = stream == nil ? body.count : streamLength {
                fields.add(name: "Content-Length", value: String(length))
            }
        }
        fields.add(name: "Cache-Control", value: "no-store")
        fields.add(name: "X-Content-Type-Options", value: "nosniff")
        fields.add(name: "Date", value: HTTPDate.now)
        fields.add(name: "X-Request-Id", value: request.description)
        for header in headers { fields.add(name: header.name, value: header.value) }
        if !keepsAlive {
            fields.add(name: "Connection", value: "close")
        } else if version == .http1_0 {
            fields.add(name: "Connection", value: "keep-alive")
        }
        // A body of unknown length comes in chunks, which HTTP/1.0 does not know: its end is that of
        // the connection.
        let hasLength = stream == nil || streamLength != nil
        return HTTPResponseHead(
            version: hasLength || version != .http1_0 ? .http1_1 : .http1_0, status: status,
            headers: fields)
    }
}

/// The far end of a streamed body.
struct AnswerStream: Sendable {
    /// Raised when the client has gone.
    let gone: Signal
    /// Sends bytes; returns when the client's connection has room for more, and throws when there
    /// is no client any more.
    let write: @Sendable ([UInt8]) async throws -> Void
}
