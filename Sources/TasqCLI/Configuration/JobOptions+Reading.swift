import Tasq

extension JobOptions {
    /// Reads `queue`, `priority` and `max_attempts`; what is absent or wrong is as it is given.
    init(reading map: ConfigurationMapping, or given: JobOptions = JobOptions()) {
        let queue = map.value("queue") { text throws(InvalidInput) in try Name(text) }
        let priority = map.value("priority") { text throws(InvalidInput) in
            try Priority(number(text, in: 0...3))
        }
        let maxAttempts = map.value("max_attempts") { text throws(InvalidInput) in
            try number(text, in: JobLimits.maxAttempts)
        }
        self.init(
            queue: queue ?? given.queue, priority: priority ?? given.priority,
            maxAttempts: maxAttempts ?? given.maxAttempts, key: given.key)
    }

    /// What flags say, and of the rest what is given. Throws ``InvalidInput`` naming the flag.
    init(
        queue: String?, priority: String?, maxAttempts: String?, key: String?,
        or given: JobOptions
    ) throws {
        self = given
        if let queue { self.queue = try Name(queue, field: "--queue") }
        if let priority {
            self.priority = try Priority(
                flag("--priority", priority) { try number($0, in: 0...3) })
        }
        if let maxAttempts {
            self.maxAttempts = try flag("--max-attempts", maxAttempts) {
                try number($0, in: JobLimits.maxAttempts)
            }
        }
        self.key = key ?? given.key
    }
}
