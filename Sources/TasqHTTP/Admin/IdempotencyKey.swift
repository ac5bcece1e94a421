import NIOHTTP1
import Tasq
import TasqWebhooks

/// An `Idempotency-Key`: a repeated `POST /v1/jobs` with the same key makes no second job.
///
/// The ids of the jobs are made from the key, so the database itself sees the repeat, whichever
/// server it comes to and however long after, while the jobs' rows exist. Such an id is a UUIDv8
/// (RFC 9562, section 5.8) with 122 bits of SHA-256 of the key and the job's position.
/// A digest of the request stays with the payload, so that the same key with another request is
/// noticed rather than answered with the first one's ids.
struct IdempotencyKey {
    static let byteLimit = 255
    static let digestHeader = "idempotency-digest"

    private let key: String
    private let requestDigest: String

    /// `nil` without the header; throws when it is not one value of 1 to ``byteLimit`` visible
    /// characters.
    init?(_ request: Request) throws(Problem) {
        let values = request.head.headers["idempotency-key"]
        guard let value = values.first else { return nil }
        guard values.count == 1, (1...Self.byteLimit).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw .invalid(
                InvalidInput(
                    field: "Idempotency-Key",
                    "must be 1 to \(Self.byteLimit) visible ASCII characters, no space"))
        }
        key = value
        requestDigest = SignatureScheme.Encoding.hex.encode(
            SignatureScheme.Algorithm.sha256.hash(request.body))
    }

    /// The id of the job at a position of the request.
    func jobID(at index: Int) -> JobID {
        let digest = SignatureScheme.Algorithm.sha256.hash(
            Array("tasq Idempotency-Key \(index) \(key)".utf8))
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (position, byte) in digest.prefix(16).enumerated() {
            if position < 8 {
                high = high << 8 | UInt64(byte)
            } else {
                low = low << 8 | UInt64(byte)
            }
        }
        let id = JobID(
            high: high & ~0xF000 | 0x8000, low: low >> 2 | 0x8000_0000_0000_0000)
        // One in a hundred would pass for the time of an ordinary id.
        return id.growsWithTime ? JobID(high: id.high | 1 << 63, low: id.low) : id
    }

    /// Kept with each payload.
    var headers: [Payload.Header] {
        [Payload.Header(name: Self.digestHeader, value: requestDigest)]
    }

    /// Throws when the job's payload was stored by another request with the same key.
    func check(_ stored: Payload) throws(Problem) {
        guard stored.headers.contains(where: { headers.contains($0) }) else {
            throw Problem(
                code: "idempotency-key-reused", status: .unprocessableEntity,
                title: "The Idempotency-Key was used for another request")
        }
    }
}
