public import Tasq

/// A request that its source has verified.
public struct VerifiedEvent: Sendable {
    /// The source that sent it.
    public let source: Name
    /// The provider's own event id, by which a second delivery is known; one that is too long or
    /// not printable stands as its SHA-256. `nil`: there is none, and the event is never a
    /// duplicate.
    public let providerID: String?
    /// The event's type, where the source says one that is short and printable.
    public let type: String?
    /// The jobs it becomes, one or more.
    public let jobs: [RoutedJob]

    private let request: WebhookRequest
    private let byteLimit: Int
    private let keptHeaders: [Payload.Header]
    /// Where the JSON stands, when the request is a form.
    private let formField: String?

    init(
        source: Name, jobs: [RoutedJob], request: WebhookRequest, byteLimit: Int,
        providerID: String?, type: String?, keptHeaders: [Payload.Header], formField: String?
    ) {
        self.source = source
        self.jobs = jobs
        self.request = request
        self.byteLimit = byteLimit
        self.providerID = providerID
        self.type = type
        self.keptHeaders = keptHeaders
        self.formField = formField
    }

    /// The event as it is stored, under a fresh id: the body byte for byte, a few of the headers, the
    /// trace context among them, and its jobs.
    ///
    /// Throws `InvalidInput` when the body is larger than the source allows, or than
    /// `JobLimits.payloadBytes` where it does not say.
    public func newEvent() throws(InvalidInput) -> NewEvent {
        guard request.body.count <= byteLimit else {
            throw InvalidInput(field: "body", "must be at most \(byteLimit) bytes")
        }
        var payload = Payload(
            request.body, contentType: contentType(of: request), headers: keptHeaders)
        payload.carry(TraceContext(request.headers))
        if let formField { payload.headers.append(Payload.form(formField)) }
        var made: [NewJob] = []
        for job in jobs { made.append(try job.newJob()) }
        return NewEvent(source: source, providerID: providerID, payload: payload, jobs: made)
    }
}
