import NIOHTTP1
import Tasq

/// `POST /v1/jobs/{id}/retry`, `POST /v1/jobs/{id}/cancel` and `DELETE /v1/jobs/{id}`.
struct JobActionRoutes: Sendable {
    let queue: Queue

    var routes: [Route] {
        [
            Route("POST", "/v1/jobs/{id}/retry", .operate) { _, id async throws(Problem) in
                try await act(.retry, on: id, leaving: .queued)
            },
            Route("POST", "/v1/jobs/{id}/cancel", .operate) { _, id async throws(Problem) in
                try await act(.cancel, on: id, leaving: .cancelled)
            },
            Route("DELETE", "/v1/jobs/{id}", .operate) { _, id async throws(Problem) in
                try await act(.delete, on: id, leaving: nil)
            },
        ]
    }

    /// 202 with the status the job is left in, 204 for one that is gone; or says why not.
    private func act(
        _ action: JobAction, on text: Substring, leaving status: JobStatus?
    ) async throws(Problem) -> Answer {
        guard let id = JobID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let was = try await queue.act(action, on: id) ?? status
        guard let status else { return .noContent }
        return .json(.accepted) { json in
            json.member("id", id.description)
            json.member("status", status.rawValue)
            json.member("was", was?.rawValue)
        }
    }
}

extension Queue {
    /// Does an action with one job and returns the status it was in, `nil` for one that was where
    /// the action takes it; or says why not.
    func act(_ action: JobAction, on id: JobID) async throws(Problem) -> JobStatus? {
        let answers: [JobActionAnswer]
        do throws(StoreError) {
            answers = try await apply(action, to: [id])
        } catch {
            throw Problem(error)
        }
        switch answers.first?.result ?? .missing {
        case .done(let status): return status
        case .already: return nil
        case .missing: throw .notFound
        case .heldUp: throw .busyJob
        case .wrongState(let status): throw .wrongState(status, for: action)
        case .attemptsUsedUp: throw .attemptsUsedUp
        case .keyTaken(let holder): throw .keyTaken(by: holder)
        }
    }
}

extension Answer {
    /// Done, and nothing to tell.
    static let noContent = Answer(status: .noContent, contentType: "application/json", body: [])
}

extension Problem {
    /// The job is in a status in which this cannot be done with it.
    static func wrongState(_ status: JobStatus, for action: JobAction) -> Problem {
        var problem = Problem(
            code: "wrong-state", status: .conflict,
            title: "The job is not in a state for this")
        problem.detail =
            "the job is \(status.rawValue); \(action.rawValue) takes "
            + action.statuses.map(\.rawValue).joined(separator: ", ")
        return problem
    }

    static let attemptsUsedUp = Problem(
        code: "wrong-state", status: .conflict, title: "The job is not in a state for this",
        detail:
            "the job has had \(JobLimits.attemptNumber) attempts, the most there can be")

    static func keyTaken(by holder: JobID?) -> Problem {
        Problem(
            code: "unique-key-taken", status: .conflict,
            title: "Another unfinished job holds the unique key",
            detail: holder.map { "job \($0) holds it" })
    }

    /// Somebody's transaction has held the job's row for seconds.
    static var busyJob: Problem {
        Problem(
            code: "job-busy", status: .serviceUnavailable,
            title: "A transaction holds the job's row or its unique key",
            headers: [("Retry-After", "1")])
    }
}
