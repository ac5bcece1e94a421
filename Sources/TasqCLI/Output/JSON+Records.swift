import Tasq
import TasqWebhooks

// The same names as in the API's answers.
extension JSON {
    /// A job's options, each by its name.
    static func members(of options: JobOptions) -> [Member] {
        JobOption.all.map { option in
            let value: JSON =
                switch options[option] {
                case .text(let text): .string(text)
                case .number(let number): .int(number)
                case nil: .null
                }
            return Member(name: option.rawValue, value: value)
        }
    }

    /// Some members, those of a job's options, and further ones.
    static func object(
        _ first: KeyValuePairs<String, JSON>, _ options: JobOptions,
        _ rest: KeyValuePairs<String, JSON>, with more: [Member] = []
    ) -> JSON {
        let (first, rest) = (
            first.map { Member(name: $0.key, value: $0.value) },
            rest.map { Member(name: $0.key, value: $0.value) }
        )
        return .object(first + members(of: options) + rest + more)
    }

    static func job(_ job: JobRecord, with more: [Member] = []) -> JSON {
        .object(
            ["id": .text(job.id), "kind": .text(job.kind)], job.options,
            [
                "status": .string(job.status.rawValue), "attempt": .int(job.attempt),
                "crashes": .int(job.crashes), "unique_key": .text(job.uniqueKey),
                "payload_id": .text(job.payloadID), "enqueued_at": .text(job.enqueuedAt),
                "run_at": .text(job.runAt), "claimed_at": .text(job.claimedAt),
                "finished_at": .text(job.finishedAt), "worker_id": .text(job.worker),
                "reason": .text(job.reason),
            ], with: more)
    }

    static func attempt(_ attempt: AttemptRecord) -> JSON {
        .object([
            "attempt": .int(attempt.attempt), "claim": .text(attempt.claim),
            "worker_id": .text(attempt.worker), "host": .text(attempt.host),
            "pid": attempt.processID.map { .int($0) } ?? .null,
            "outcome": .string(attempt.outcome.rawValue),
            "reason": .text(attempt.reason), "started_at": .text(attempt.startedAt),
            "ended_at": .text(attempt.endedAt),
        ])
    }

    /// Headers whose names speak of credentials keep their names only.
    static func event(_ event: EventRecord, with more: [Member] = []) -> JSON {
        let members: KeyValuePairs<String, JSON> = [
            "id": .text(event.id), "source": .text(event.source),
            "event_id": .text(event.providerID), "content_type": .string(event.contentType),
            "bytes": .int(event.bytes), "received_at": .text(event.receivedAt),
            "headers": .array(
                event.headers.map { header in
                    let value = isCredentialHeader(header.name) ? "***" : header.value
                    return JSON.array([.string(header.name), .string(value)])
                }),
        ]
        return .object(members.map { Member(name: $0.key, value: $0.value) } + more)
    }

    static func queue(_ queue: QueueRecord) -> JSON {
        let kinds = queue.failures.map { failures in
            JSON.object(
                [Member(name: "kind", value: .text(failures.kind))]
                    + Self.members(of: [failures]))
        }
        let own: KeyValuePairs<String, JSON> = [
            "name": .text(queue.name), "paused": .bool(queue.isPaused),
            "scheduled": .int(queue.scheduled), "queued": .int(queue.queued),
            "executing": .int(queue.executing), "more_scheduled": .bool(queue.hasMoreScheduled),
            "more_queued": .bool(queue.hasMoreQueued),
            "oldest_wait_seconds": queue.oldestWait.map { .decimal($0.inSeconds) } ?? .null,
            "max_depth": queue.limit?.limit.maxDepth.map { JSON.int($0) } ?? .null,
            "max_age": .text(queue.limit?.limit.maxAge.map(DurationText.format)),
            "refuses": .bool(queue.limit?.isRefusing ?? false),
        ]
        return .object(
            own.map { Member(name: $0.key, value: $0.value) }
                + Self.members(of: queue.failures) + [Member(name: "kinds", value: .array(kinds))])
    }

    private static func members(of failures: [KindFailures]) -> [Member] {
        [
            Member(name: "error", value: .int(failures.errors)),
            Member(name: "error_last_hour", value: .int(failures.errorsOfHour)),
            Member(name: "error_last_day", value: .int(failures.errorsOfDay)),
            Member(name: "retrying", value: .int(failures.retrying)),
            Member(name: "more_error", value: .bool(failures.hasMoreErrors)),
            Member(name: "more_retrying", value: .bool(failures.hasMoreRetrying)),
        ]
    }

    static func worker(_ standing: WorkerStanding) -> JSON {
        let worker = standing.worker
        return .object([
            "id": .text(worker.id), "host": .string(worker.host),
            "pid": .int(Int(worker.processID)),
            "queues": .array(worker.queues.map { .text($0) }),
            "concurrency": .int(worker.concurrency), "executing": .int(standing.executing),
            "version": .string(worker.version),
            "heartbeat": .string(DurationText.format(worker.heartbeat)),
            "lease": .string(DurationText.format(worker.lease)),
            "started_at": .text(standing.startedAt), "seen_at": .text(standing.seenAt),
        ])
    }
}
