import Tasq

/// The jobs a `POST /v1/jobs` asks for.
struct EnqueueRequest {
    /// Jobs one request may bring.
    static let jobLimit = 1000
    /// The rule that a payload over its limit breaks, for which HTTP has a status of its own.
    static let payloadRule = "must be at most \(JobLimits.payloadBytes) bytes"
    private static let fields = [
        "kind", "payload", "queue", "run_at", "delay", "priority", "unique_key", "key",
        "max_attempts", "unique_while", "on_conflict",
    ]

    let jobs: [NewJob]
    /// Whether they came as an array, so that the answer is one too.
    let isArray: Bool

    /// Reads one object, or an array of 1 to ``jobLimit``, all of one trace; throws `InvalidInput`
    /// naming the field and, in an array, the position.
    init(
        _ body: [UInt8], idempotencyKey: IdempotencyKey?, trace: TraceContext? = nil,
        defaults: (Name, [UInt8]) -> JobOptions
    ) throws(InvalidInput) {
        let json = try JSONSlices(body, field: "body")
        let whole = json.whole
        let elements = json.elements(of: whole)
        isArray = elements != nil
        guard (1...Self.jobLimit).contains(elements?.count ?? 1) else {
            throw InvalidInput(field: "body", "must have 1 to \(Self.jobLimit) jobs")
        }
        let headers = (idempotencyKey?.headers ?? []) + (trace?.headers ?? [])
        var jobs: [NewJob] = []
        for (index, element) in (elements ?? [whole]).enumerated() {
            let prefix = isArray ? "[\(index)]." : ""
            do throws(InvalidInput) {
                let id = idempotencyKey?.jobID(at: index) ?? JobID()
                jobs.append(
                    try Self.job(
                        id, from: element, in: json, headers: headers, defaults: defaults))
            } catch {
                throw InvalidInput(field: prefix + error.field, error.rule)
            }
        }
        self.jobs = jobs
    }

    private static func job(
        _ id: JobID, from object: ArraySlice<UInt8>, in json: JSONSlices,
        headers: [Payload.Header], defaults: (Name, [UInt8]) -> JobOptions
    ) throws(InvalidInput) -> NewJob {
        guard let members = json.members(of: object) else {
            throw InvalidInput(field: "job", "must be a JSON object")
        }
        var fields = JobFields()
        for (name, value) in members {
            guard Self.fields.contains(name) else {
                throw InvalidInput(
                    field: shown(name), "is not a field of a job: \(fieldList)")
            }
            try fields.set(name, to: value)
        }
        guard let kindText = try fields.string("kind") else {
            throw InvalidInput(field: "kind", "must be given")
        }
        let kind = try Name(kindText, field: "kind")
        let body = fields.raw("payload").map(Array.init) ?? Array("{}".utf8)
        guard body.count <= JobLimits.payloadBytes else {
            throw InvalidInput(field: "payload", Self.payloadRule)
        }
        return try NewJob(
            id: id, kind: kind, options: try fields.options(or: defaults(kind, body)),
            start: try fields.start(), uniqueKey: try fields.string("unique_key"),
            uniqueWhile: try fields.choice("unique_while") ?? .unfinished,
            onConflict: try fields.choice("on_conflict") ?? .keep,
            payload: Payload(body, headers: headers))
    }

    private static let fieldList = fields.joined(separator: ", ")

    /// A stranger's field name, made fit for an error text.
    private static func shown(_ name: String) -> String {
        let visible = name.unicodeScalars.prefix(50).map { scalar in
            scalar.isASCII && scalar.value > 0x20 && scalar.value < 0x7f ? Character(scalar) : "?"
        }
        return "\"\(String(visible))\""
    }
}
