/// Reads stored bodies bit by bit: a large one need not be held whole.
public protocol BodyReader: Sendable {
    /// Up to `count` bytes of a stored body from `offset` on; empty behind its end, `nil` when it is
    /// not stored any more.
    func piece(
        of body: PayloadID, from offset: Int, count: Int
    ) async throws(StoreError) -> [UInt8]?
}

/// Bytes of a piece of a body: one costs a statement, and is held a few times on its way.
package let pieceBytes = 2_097_152

extension BodyReader {
    /// A body of `bytes` bytes, read piece by piece; `nil` when it is not stored any more.
    package func whole(of body: PayloadID, bytes: Int) async throws(StoreError) -> [UInt8]? {
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes)
        while whole.count < bytes {
            let count = min(pieceBytes, bytes - whole.count)
            guard let piece = try await piece(of: body, from: whole.count, count: count),
                !piece.isEmpty
            else { return nil }
            whole += piece
        }
        return whole
    }
}

/// The body of a job, before it is read.
public struct HeldBody: Sendable, Hashable {
    /// The stored body.
    public var id: PayloadID
    /// How it describes itself, without its bytes; `nil` when it is not stored any more.
    public var payload: Payload?
    /// Its length as it is stored.
    public var bytes: Int

    /// Makes an answer to ``ClaimStore/body(of:heldBy:)`` or ``Catalog/body(_:)``.
    public init(id: PayloadID, payload: Payload?, bytes: Int) {
        self.id = id
        self.payload = payload
        self.bytes = bytes
    }
}

/// Stored bodies that may have a text for a value in their JSON.
public struct LikelyBodies: Sendable, Hashable {
    /// How many of those that were asked for were looked into, from the first on.
    public var looked: Int
    /// These bodies, by their places among those that were asked for.
    public var found: [Int: Payload]

    /// Makes an answer to ``Catalog/bodies(_:mayHold:bytes:)``.
    public init(looked: Int, found: [Int: Payload]) {
        self.looked = looked
        self.found = found
    }
}
