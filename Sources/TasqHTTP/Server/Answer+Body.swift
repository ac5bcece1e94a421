import NIOHTTP1
import Tasq

extension Answer {
    /// Bytes of one write of a streamed body: what a client must take within its time.
    private static let sliceBytes = 262_144

    /// A stored body: whatever a stranger has sent, a browser must neither run nor show it.
    ///
    /// One that is not small is read and sent piece by piece, as fast as the client takes it. What
    /// stands in a form, and whether it does, is only found in all of it.
    static func download(
        _ payload: Payload, _ id: PayloadID, bytes: Int, asHandled: Bool,
        from reader: any BodyReader
    ) async throws(Problem) -> Answer {
        var answer = Answer(
            status: .ok, contentType: headerText(payload.contentType),
            headers: [
                ("Content-Disposition", "attachment; filename=\"\(id)\""),
                ("Content-Security-Policy", "default-src 'none'; sandbox"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ], body: [])
        let isForm = asHandled && payload.formField != nil
        guard bytes > HTTPLimits.freeBodyBytes else {
            let body = try await whole(of: id, bytes: bytes, from: reader)
            answer.body = body
            if isForm {
                let handed = payload.handled(body)
                answer.contentType = headerText(handed.contentType)
                answer.body = handed.body
            }
            return answer
        }
        if isForm {
            answer.streamBytes = 2 * bytes
            answer.prepare = { answer async throws(Problem) in
                let body = try await whole(of: id, bytes: bytes, from: reader)
                let handed = payload.handled(body)
                answer.contentType = headerText(handed.contentType)
                answer.streamLength = handed.body.count
                answer.stream = { client in try await send(handed.body, to: client) }
            }
        } else {
            answer.streamBytes = min(HTTPLimits.pieceRoom, 4 * bytes)
            answer.streamLength = bytes
            answer.stream = { client in try await send(id, bytes: bytes, from: reader, to: client) }
        }
        return answer
    }

    private static func headerText(_ type: String) -> String {
        type.utf8.allSatisfy { (0x20...0x7e).contains($0) } ? type : "application/octet-stream"
    }

    private static func whole(
        of id: PayloadID, bytes: Int, from reader: any BodyReader
    ) async throws(Problem) -> [UInt8] {
        let body = try await read { () async throws(StoreError) in
            try await reader.whole(of: id, bytes: bytes)
        }
        guard let body else { throw .notFound }
        return body
    }

    private static func send(
        _ id: PayloadID, bytes: Int, from reader: any BodyReader, to client: AnswerStream
    ) async throws {
        var offset = 0
        while offset < bytes {
            let count = min(pieceBytes, bytes - offset)
            guard let piece = try await reader.piece(of: id, from: offset, count: count),
                !piece.isEmpty
            else { throw BodyGone() }
            offset += piece.count
            try await send(piece, to: client)
        }
    }

    private static func send(_ bytes: [UInt8], to client: AnswerStream) async throws {
        for start in stride(from: 0, to: bytes.count, by: sliceBytes) {
            try await client.write(Array(bytes[start..<min(start + sliceBytes, bytes.count)]))
        }
    }
}

/// A body was deleted while it was being sent.
private struct BodyGone: Error {}

extension Payload {
    /// What a handler is given of this body.
    fileprivate func handled(_ body: [UInt8]) -> Payload {
        var payload = self
        payload.body = body
        return payload.asHandled
    }
}
