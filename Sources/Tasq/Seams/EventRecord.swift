/// A stored webhook event, without its body.
public struct EventRecord: Sendable, Hashable {
    /// The event; also the id of its body.
    public var id: PayloadID
    /// The source it came through.
    public var source: Name
    /// The provider's own id of it; `nil` for none.
    public var providerID: String?
    /// The media type it came with.
    public var contentType: String
    /// The headers that were kept, in order, names in lower case.
    public var headers: [Payload.Header]
    /// Bytes of its body.
    public var bytes: Int
    /// When it was stored.
    public var receivedAt: Timestamp

    /// Makes a record of its columns.
    public init(
        id: PayloadID, source: Name, providerID: String?, contentType: String,
        headers: [Payload.Header], bytes: Int, receivedAt: Timestamp
    ) {
        self.id = id
        self.source = source
        self.providerID = providerID
        self.contentType = contentType
        self.headers = headers
        self.bytes = bytes
        self.receivedAt = receivedAt
    }
}

/// Which stored events a list shows; `nil` means any.
public struct EventFilter: Sendable, Hashable {
    /// Only events of this source.
    public var source: Name?
    /// Stored at or after.
    public var since: Timestamp?
    /// Stored before.
    public var until: Timestamp?
    /// Only events of which a job is in this status, among the first hundred of each.
    public var status: JobStatus?

    /// Makes a filter; without arguments it matches every event.
    public init(
        source: Name? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        status: JobStatus? = nil
    ) {
        self.source = source
        self.since = since
        self.until = until
        self.status = status
    }
}
