package import Tasq

/// One line of a bulk enqueue: the same object that `POST /v1/jobs` takes.
package enum EnqueueLine {
    /// The members it may have.
    package static let fields = EnqueueRequest.fields

    /// Reads one JSON object; throws `InvalidInput` naming the field that breaks a rule.
    package static func job(
        _ line: [UInt8], defaults: (Name, [UInt8]) -> JobOptions
    ) throws(InvalidInput) -> NewJob {
        let request: EnqueueRequest
        do throws(InvalidInput) {
            request = try EnqueueRequest(line, idempotencyKey: nil, defaults: defaults)
        } catch {
            throw error.field == "body" ? InvalidInput(field: "it", error.rule) : error
        }
        guard !request.isArray, let job = request.jobs.first else {
            throw InvalidInput(field: "it", "must be one JSON object")
        }
        return job
    }
}
