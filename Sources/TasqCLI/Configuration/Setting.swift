import Logging
import Tasq
import TasqHTTP

/// One scalar key: what it is called everywhere and how its text becomes a value.
struct Setting: Sendable {
    /// As in `worker.lease`.
    let key: String
    /// Whether the value must never be printed and may be given as `env:NAME` or `file:/path`.
    let isSecret: Bool
    /// Throws ``InvalidInput`` whose rule says what the text must be.
    let apply: @Sendable (String, inout Configuration) throws(InvalidInput) -> Void

    /// The environment variables that set it, the strongest first.
    var environmentNames: [String] {
        let name = "TASQ_" + key.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
        switch key {
        case "database_url": return [name, "DATABASE_URL"]
        case "redis_url": return [name, "REDIS_URL"]
        case "worker.find_work": return ["TASQ_FIND_WORK", name]
        case "worker.listen": return [name, "TASQ_WORKER_METRICS"]
        default: return [name]
        }
    }

    /// What it was called before; a file that says so goes on meaning it.
    var olderKey: String? { key == "worker.listen" ? "worker.metrics" : nil }

    /// The flag that sets it, where a command has one.
    var flag: String {
        if key == "worker.queues" { return "--queue" }
        let name = key.split(separator: ".").last ?? ""
        return "--" + name.split(separator: "_").joined(separator: "-")
    }

    /// Every scalar key.
    static let all: [Setting] = [
        secret("database_url") { $1.databaseURL = $0 },
        secret("redis_url") { $1.redisURL = $0 },
        plain("redis_prefix") { text, it throws(InvalidInput) in
            it.redisPrefix = try Name(text).description
        },
        plain("schema") { text, it throws(InvalidInput) in it.schema = try schema(text) },
        plain("log_level") { text, it throws(InvalidInput) in it.logLevel = try choice(text) },
        plain("log_format") { text, it throws(InvalidInput) in it.logFormat = try choice(text) },
        plain("http.ingest") { text, it throws(InvalidInput) in
            it.http.ingest = try ListenAddress(text, field: "address")
        },
        plain("http.ingest_certificate") { text, it throws(InvalidInput) in
            it.http.ingestTLS.certificate = try filePath(text)
        },
        plain("http.ingest_key") { text, it throws(InvalidInput) in
            it.http.ingestTLS.key = try filePath(text)
        },
        plain("http.admin") { text, it throws(InvalidInput) in
            it.http.admin = try ListenAddress(text, field: "address")
        },
        plain("http.admin_certificate") { text, it throws(InvalidInput) in
            it.http.adminTLS.certificate = try filePath(text)
        },
        plain("http.admin_key") { text, it throws(InvalidInput) in
            it.http.adminTLS.key = try filePath(text)
        },
        secret("admin_token") { $1.http.operateTokens.append($0) },
        plain("limits.body") { text, it throws(InvalidInput) in
            it.limits.bodyBytes = try byteCount(text, in: 1...JobLimits.payloadBytes)
        },
        plain("limits.memory") { text, it throws(InvalidInput) in
            it.limits.bufferedBytes = try byteCount(text, in: memorySizes)
        },
        plain("limits.request_deadline") { text, it throws(InvalidInput) in
            it.limits.request = try duration(text, in: .seconds(1) ... .seconds(300))
        },
        plain("limits.idle_timeout") { text, it throws(InvalidInput) in
            it.limits.idle = try duration(text, in: .seconds(1) ... .seconds(3600))
        },
        plain("limits.connections") { text, it throws(InvalidInput) in
            it.limits.connections = try number(text, in: 1...1_000_000)
        },
        plain("limits.in_flight") { text, it throws(InvalidInput) in
            it.limits.inFlight = try number(text, in: 1...1_000_000)
        },
        plain("worker.queues") { text, it throws(InvalidInput) in
            it.worker.queues = try queues(text)
        },
        plain("worker.concurrency") { text, it throws(InvalidInput) in
            it.worker.concurrency = try number(text, in: 1...10_000)
        },
        plain("worker.lease") { text, it throws(InvalidInput) in
            it.worker.lease = try duration(text)
        },
        plain("worker.heartbeat") { text, it throws(InvalidInput) in
            it.worker.heartbeat = try duration(text)
        },
        plain("worker.grace") { text, it throws(InvalidInput) in
            it.worker.grace = try duration(text)
        },
        plain("worker.find_work") { text, it throws(InvalidInput) in
            it.worker.findWork = try choice(text)
        },
        plain("worker.on_lease_unknown") { text, it throws(InvalidInput) in
            it.worker.onLeaseUnknown = try choice(text)
        },
        plain("worker.poll_interval") { text, it throws(InvalidInput) in
            it.worker.pollInterval = try duration(text)
        },
        plain("worker.sweep_every") { text, it throws(InvalidInput) in
            it.worker.sweepEvery = try number(text, in: 1...10_000)
        },
        plain("worker.memory") { text, it throws(InvalidInput) in
            it.worker.memory = try byteCount(text, in: memorySizes)
        },
        plain("worker.listen") { text, it throws(InvalidInput) in
            it.worker.listen = text.isEmpty ? nil : try ListenAddress(text, field: "address")
        },
        plain("retention.success") { text, it throws(InvalidInput) in
            it.retention.ages.success = try Retention.age(text)
        },
        plain("retention.error") { text, it throws(InvalidInput) in
            it.retention.ages.error = try Retention.age(text)
        },
        plain("retention.cancelled") { text, it throws(InvalidInput) in
            it.retention.ages.cancelled = try Retention.age(text)
        },
    ]

    /// At least what the largest body takes, as a form beside what stands in it; at most a TiB.
    private static let memorySizes = 2 * JobLimits.eventBytes...(1 << 40)

    private static func plain(
        _ key: String,
        apply: @escaping @Sendable (String, inout Configuration) throws(InvalidInput) -> Void
    ) -> Setting {
        Setting(key: key, isSecret: false, apply: apply)
    }

    private static func secret(
        _ key: String, apply: @escaping @Sendable (String, inout Configuration) -> Void
    ) -> Setting {
        Setting(key: key, isSecret: true) { text, it throws(InvalidInput) in apply(text, &it) }
    }
}

extension WorkerSettings.QueueShare {
    /// Reads `NAME` or `NAME:WEIGHT`. A name that ends in a colon and digits needs a weight.
    init(_ text: String) throws(InvalidInput) {
        guard let colon = text.lastIndex(of: ":"),
            text[text.index(after: colon)...].allSatisfy({ $0.isASCII && $0.isNumber }),
            colon != text.startIndex
        else {
            self.init(try Name(text, field: "queue"))
            return
        }
        let weight = try number(String(text[text.index(after: colon)...]), in: 1...100)
        self.init(try Name(String(text[..<colon]), field: "queue"), weight: weight)
    }
}

/// Reads a whole number in a range.
func number(_ text: String, in range: ClosedRange<Int>) throws(InvalidInput) -> Int {
    guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") }),
        let value = Int(text), range.contains(value)
    else {
        throw InvalidInput(
            field: "number",
            "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
}

/// Reads a duration in a range, as in `250ms`, `15s`, `5m`, `6h` or `7d`.
func duration(
    _ text: String, in range: ClosedRange<Duration> = .zero...JobLimits.delay
) throws(InvalidInput) -> Duration {
    let (low, high) = (range.lowerBound, range.upperBound)
    let bounds = "from \(DurationText.format(low)) to \(DurationText.format(high))"
    guard let value = DurationText.read(text) else {
        throw InvalidInput(
            field: "duration",
            "must be a whole number and a unit, as in 250ms, 15s, 5m, 6h or 7d, \(bounds)")
    }
    guard range.contains(value) else {
        throw InvalidInput(field: "duration", "must be \(bounds)")
    }
    return value
}

/// Reads a size in bytes, plain or in KiB, MiB or GiB.
func byteCount(_ text: String, in range: ClosedRange<Int>) throws(InvalidInput) -> Int {
    let units = [("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1 << 30), ("", 1)]
    for (unit, factor) in units where text.hasSuffix(unit) {
        if let count = Int(text.dropLast(unit.count)), count >= 0 {
            let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
            if !overflow, range.contains(bytes) { return bytes }
        }
    }
    throw InvalidInput(
        field: "size",
        "must be a size from \(range.lowerBound) to \(range.upperBound) bytes, as in 1048576 or 1MiB"
    )
}

/// Reads a decimal number in a range.
func decimal(_ text: String, in range: ClosedRange<Double>) throws(InvalidInput) -> Double {
    guard let value = Double(text), value.isFinite, range.contains(value) else {
        throw InvalidInput(
            field: "number", "must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
}

/// Reads one of an enumeration's names.
func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ text: String
) throws(InvalidInput) -> Choice {
    guard let value = Choice(rawValue: text) else {
        throw InvalidInput(
            field: "choice",
            "must be one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
}

/// Reads the path of a file, plain or after `file:`; an empty text means none.
private func filePath(_ text: String) throws(InvalidInput) -> String? {
    let path = text.hasPrefix("file:") ? String(text.dropFirst("file:".count)) : text
    guard !path.hasPrefix("env:"), !path.utf8.contains(0) else {
        throw InvalidInput(
            field: "path", "must be the path of a file, as in file:/etc/tasq/tls.pem")
    }
    return path.isEmpty ? nil : path
}

private func queues(_ text: String) throws(InvalidInput) -> [WorkerSettings.QueueShare] {
    var queues: [WorkerSettings.QueueShare] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let queue = try WorkerSettings.QueueShare(String(part.trimmed))
        guard !queues.contains(where: { $0.name == queue.name }) else {
            throw InvalidInput(field: "queues", "must name each queue once")
        }
        queues.append(queue)
    }
    return queues
}

private func schema(_ text: String) throws(InvalidInput) -> String {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, bytes.count <= 63,
        (97...122).contains(first) || first == UInt8(ascii: "_"),
        bytes.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }),
        !text.hasPrefix("pg_")
    else {
        throw InvalidInput(
            field: "schema", "must be 1 to 63 of a-z 0-9 _, not starting with a digit or pg_")
    }
    return text
}

extension StringProtocol {
    /// Without spaces, tabs and line ends at either end.
    var trimmed: SubSequence {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        guard let first = firstIndex(where: { !isBlank($0) }),
            let last = lastIndex(where: { !isBlank($0) })
        else { return self[endIndex...] }
        return self[first...last]
    }
}
