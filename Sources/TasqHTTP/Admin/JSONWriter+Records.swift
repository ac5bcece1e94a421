import Tasq

extension JSONWriter {
    /// A job's options, each by its name.
    mutating func options(_ options: JobOptions) {
        for option in JobOption.all {
            switch options[option] {
            case .text(let text): member(option.rawValue, text)
            case .number(let number): member(option.rawValue, number)
            case nil: member(option.rawValue, nil as String?)
            }
        }
    }

    mutating func job(_ job: JobRecord) {
        object { json in
            json.member("id", job.id.description)
            json.member("kind", job.kind.description)
            json.options(job.options)
            json.member("status", job.status.rawValue)
            json.member("attempt", job.attempt)
            json.member("crashes", job.crashes)
            json.member("unique_key", job.uniqueKey)
            json.member("payload_id", job.payloadID.description)
            json.member("enqueued_at", job.enqueuedAt.description)
            json.member("run_at", job.runAt.description)
            json.member("claimed_at", job.claimedAt?.description)
            json.member("finished_at", job.finishedAt?.description)
            json.member("worker_id", job.worker?.description)
            json.member("reason", job.reason)
        }
    }

    mutating func attempt(_ attempt: AttemptRecord) {
        object { json in
            json.member("attempt", attempt.attempt)
            json.member("claim", attempt.claim.description)
            json.member("worker_id", attempt.worker?.description)
            json.member("host", attempt.host)
            json.member("pid", attempt.processID)
            json.member("outcome", attempt.outcome.rawValue)
            json.member("reason", attempt.reason)
            json.member("started_at", attempt.startedAt.description)
            json.member("ended_at", attempt.endedAt.description)
        }
    }

    mutating func queue(_ queue: QueueRecord) {
        object { json in
            json.member("name", queue.name.description)
            json.member("paused", queue.isPaused)
            json.member("scheduled", queue.scheduled)
            json.member("queued", queue.queued)
            json.member("executing", queue.executing)
            json.member("more_scheduled", queue.hasMoreScheduled)
            json.member("more_queued", queue.hasMoreQueued)
            json.name("oldest_wait_seconds")
            json.literal(
                queue.oldestWait.map { PrometheusText.number($0 / .seconds(1)) } ?? "null")
            json.member("max_depth", queue.limit?.limit.maxDepth)
            json.member("max_age", queue.limit?.limit.maxAge.map(DurationText.format))
            json.member("refuses", queue.limit?.isRefusing ?? false)
            json.failures(queue.failures)
            json.name("kinds")
            json.array(queue.failures) { json, failures in
                json.object { json in
                    json.member("kind", failures.kind.description)
                    json.failures([failures])
                }
            }
        }
    }

    /// The members that tell what has failed.
    mutating func failures(_ failures: [KindFailures]) {
        member("error", failures.errors)
        member("error_last_hour", failures.errorsOfHour)
        member("error_last_day", failures.errorsOfDay)
        member("retrying", failures.retrying)
        member("more_error", failures.hasMoreErrors)
        member("more_retrying", failures.hasMoreRetrying)
    }

    mutating func putOff(_ group: PutOffJobs) {
        object { json in
            json.member("target", group.target)
            json.member("state", group.state?.rawValue)
            json.member("jobs", group.jobs)
            json.member("queues", group.queues.lazy.map(\.description))
            json.member("reason", group.reason)
            json.member("since", group.since?.description)
            json.member("latest", group.latest?.description)
            json.member("next_at", group.nextAt.description)
            json.member("last_at", group.lastAt.description)
        }
    }

    mutating func worker(_ standing: WorkerStanding) {
        let worker = standing.worker
        object { json in
            json.member("id", worker.id.description)
            json.member("host", worker.host)
            json.member("pid", Int(worker.processID))
            json.member("queues", worker.queues.lazy.map(\.description))
            json.member("concurrency", worker.concurrency)
            json.member("executing", standing.executing)
            json.member("version", worker.version)
            json.member("heartbeat", DurationText.format(worker.heartbeat))
            json.member("lease", DurationText.format(worker.lease))
            json.member("started_at", standing.startedAt.description)
            json.member("seen_at", standing.seenAt.description)
        }
    }
}
