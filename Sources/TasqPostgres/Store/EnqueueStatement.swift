public import Tasq

/// SQL that puts a job in within a transaction of your own, by any driver.
///
/// It calls `tasq.enqueue`, so that it stores what `Queue.enqueue` would have stored: a unique key with
/// its policies, delay, priority and payload included. It answers with one row of one column, `id`: the
/// new job's, or that of the unfinished job which holds the unique key.
///
/// The job exists if and only if the transaction commits. No announcement is needed: workers that can
/// `LISTEN` hear of the commit at once, and all find the job at their next look, within about a second.
///
/// `now()` is the transaction's begin, also for a delay. A trace is not taken along. PostgreSQL refuses
/// JSON with the character `\u0000` here.
public struct EnqueueStatement: Sendable, Hashable {
    /// One `SELECT`. It is the same for all jobs with JSON, so that a driver prepares it once.
    public let sql: String
    /// The values of `$1`, `$2` and so on, each as text; `nil` is SQL's NULL.
    public let parameters: [String?]

    /// The statement for a job of a Swift type, on the schema that holds tasq's tables.
    ///
    /// - Throws: `InvalidInput` for a value outside `JobLimits`, `EncodingError` for a job that does
    ///   not encode.
    public init<J: Job>(
        _ job: J, after delay: Duration? = nil, at time: Timestamp? = nil, queue: String? = nil,
        priority: Int? = nil, key: String? = nil, uniqueKey: String? = nil,
        uniqueWhile: UniqueSpan = .unfinished, onConflict: ConflictPolicy = .keep,
        maxAttempts: Int? = nil, schema: String = "tasq"
    ) throws {
        try self.init(
            NewJob(
                job, after: delay, at: time, queue: queue, priority: priority, key: key,
                uniqueKey: uniqueKey, uniqueWhile: uniqueWhile, onConflict: onConflict,
                maxAttempts: maxAttempts),
            schema: schema)
    }

    /// The statement for a job that no Swift type stands for. Its id is not used: PostgreSQL makes one.
    ///
    /// - Throws: `InvalidInput` for a payload that is neither JSON nor `application/octet-stream`, or
    ///   that has headers, and for a schema that is none.
    public init(_ job: NewJob, schema: String = "tasq") throws(InvalidInput) {
        guard PostgresSettings.isPlainIdentifier(schema) else {
            throw InvalidInput(
                field: "schema",
                "must be 1 to 63 of the characters a-z 0-9 _ and not start with a digit")
        }
        guard job.payload.headers.isEmpty else {
            throw InvalidInput(field: "headers", "must be empty: tasq.enqueue takes none")
        }
        let payload: String
        switch job.payload.contentType {
        case "application/json":
            payload = String(decoding: job.payload.body, as: UTF8.self)
            guard payload.utf8.elementsEqual(job.payload.body), !job.payload.body.contains(0) else {
                throw InvalidInput(field: "payload", "must be JSON in UTF-8")
            }
            sql = Statements.enqueueWithin(schema: schema)
        case "application/octet-stream":
            payload = hexText(of: job.payload.body)
            sql = Statements.enqueueWithin(schema: schema).replacing("$2::text", with: "$2::bytea")
        default:
            throw InvalidInput(
                field: "content_type", "must be application/json or application/octet-stream")
        }
        let own: [String?] = [
            job.kind.description, payload, job.start.time.map { String($0.microseconds) },
            job.start.delayMicroseconds.map { String($0) }, job.uniqueKey,
            job.uniqueWhile.rawValue, job.onConflict.rawValue,
        ]
        parameters = own + JobOption.all.map { job.options[$0]?.description }
    }
}

extension Statements {
    /// Without its comment: it stands in the logs of programs that are not ours.
    fileprivate static func enqueueWithin(schema: String) -> String {
        sql("enqueue_within", in: schema)
            .split(separator: "\n").drop { $0.hasPrefix("--") }.joined(separator: "\n")
    }
}

/// Bytes as PostgreSQL reads them from text: `\x` and two digits for each.
private func hexText(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("\\x".utf8)
    text.reserveCapacity(2 + 2 * bytes.count)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
