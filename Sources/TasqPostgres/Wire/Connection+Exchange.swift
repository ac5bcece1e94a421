import CPostgres

extension Connection {
    /// Why a statement has no answer.
    enum Failure: Error {
        /// The server refused; nothing was written unless the session ended with it.
        case refused(ServerError)
        /// The connection was lost before anything that writes was sent.
        case lostBefore(reason: String)
        /// The connection was lost, or the answer cast in doubt, after the statement was sent.
        case lostAfter(reason: String)
    }

    /// Runs one statement, prepared under its name on first use where `prepares` says so.
    func run(
        _ statement: Statement, _ parameters: Parameters, prepares: Bool,
        until deadline: ContinuousClock.Instant?
    ) throws(Failure) -> Rows {
        if !isPooled, let change = planChange(for: statement) {
            do {
                _ = try script(change, until: deadline)
            } catch .lostAfter(let reason) {
                throw .lostBefore(reason: reason)
            }
            plansAnew = statement.isPlannedAnew
        }
        if prepares && !prepared.contains(statement.name) {
            let types = parameters.fields.map(\.type.rawValue)
            do {
                _ = try exchange(until: deadline) {
                    unsafe PQsendPrepare(
                        handle, statement.name, statement.text, Int32(types.count), types)
                }
            } catch .lostAfter(let reason) {
                throw .lostBefore(reason: reason)
            }
            prepared.insert(statement.name)
        }
        let isStated = saysIsolation && isIdle
        return try exchange(until: deadline, statingIsolation: isStated, statement.name) {
            unsafe parameters.withWireFormat { count, types, values, lengths, formats in
                if prepares {
                    unsafe PQsendQueryPrepared(
                        handle, statement.name, count, values, lengths, formats, 1)
                } else {
                    unsafe PQsendQueryParams(
                        handle, statement.text, count, types, values, lengths, formats, 1)
                }
            }
        }
    }

    /// What the session is told of its plans before this statement, if anything.
    ///
    /// A plan that was made while the statistics said that a table is empty reads all of it at every
    /// call, however large it has grown, until it is analyzed: a minute, or longer. So a session
    /// that is at work forgets its plans once a second; making them takes a millisecond.
    private func planChange(for statement: Statement) -> String? {
        runsSincePlans += 1
        let now = ContinuousClock.now
        if now - plannedAt > Self.planLife {
            let isAtWork = runsSincePlans > Self.runsPerPlan
            plannedAt = now
            runsSincePlans = 0
            if isAtWork {
                return "DISCARD PLANS; " + Self.planning(isAnew: statement.isPlannedAnew)
            }
        }
        guard plansAnew != statement.isPlannedAnew else { return nil }
        return Self.planning(isAnew: statement.isPlannedAnew)
    }

    private static let planLife = Duration.seconds(1)
    /// A session that runs fewer statements in that time is not at work.
    private static let runsPerPlan = 8

    /// Left to itself the server would plan a claim anew for each call for as long as most calls
    /// offered it fewer ids than it assumes of an array it does not know, ten.
    static func planning(isAnew: Bool) -> String {
        "SET plan_cache_mode = force_\(isAnew ? "custom" : "generic")_plan"
    }

    /// Runs several statements by the simple protocol; without BEGIN they are one transaction.
    func script(_ sql: String, until deadline: ContinuousClock.Instant?) throws(Failure) -> Rows {
        try exchange(until: deadline) { unsafe PQsendQuery(handle, sql) }
    }

    /// Says that what follows in the pipeline is READ COMMITTED, whatever the default is.
    ///
    /// Up to the pipeline's end all is one transaction, as it is with the statement alone: no
    /// further way there and back, and nothing is left behind. The claim relies on seeing a row
    /// as it is once its lock is had; with a stricter isolation it fails instead, over and over.
    private func stateIsolation() -> Int32 {
        guard unsafe PQenterPipelineMode(handle) == 1 else { return 0 }
        return unsafe PQsendQueryParams(
            handle, "SET transaction_isolation = 'read committed'", 0, nil, nil, nil, nil, 0)
    }

    /// Sends by `send` and collects everything up to the end of the answer; returns the last
    /// result. An error that follows a success wins: a commit can fail after its statement.
    private func exchange(
        until deadline: ContinuousClock.Instant?, statingIsolation isStated: Bool = false,
        _ name: String = "of a script", _ send: () -> Int32
    ) throws(Failure) -> Rows {
        notices.startStatement()
        if isStated, stateIsolation() != 1 { throw .lostBefore(reason: lossReason) }
        guard send() == 1, unsafe !isStated || PQpipelineSync(handle) == 1 else {
            throw .lostBefore(reason: lossReason)
        }
        defer { if isStated { unsafe PQexitPipelineMode(handle) } }
        var rows: Rows?
        var refusal: ServerError?
        var isOver = false
        while !isOver {
            guard let result = unsafe try nextResult(until: deadline) else {
                // In a pipeline each statement's results end so, and the whole with a mark.
                isOver = unsafe !isStated || PQstatus(handle) == CONNECTION_BAD
                continue
            }
            switch unsafe PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                unsafe PQclear(result)
                isOver = true
            case PGRES_PIPELINE_ABORTED: unsafe PQclear(result)
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                unsafe rows = Rows(taking: result, of: name)
            default:
                unsafe refusal = refusal ?? ServerError(of: result)
                unsafe PQclear(result)
            }
        }
        if let refusal, !refusal.sqlState.isEmpty {
            // What READ COMMITTED never says: the default was changed since this was asked.
            if isPooled, refusal.sqlState == "40001" { saysIsolation = true }
            throw refusal.endsSession ? .lostAfter(reason: refusal.message) : .refused(refusal)
        }
        guard refusal == nil, isAlive, let rows else { throw .lostAfter(reason: lossReason) }
        if notices.castsDoubt {
            throw .lostAfter(reason: "committed here, but perhaps not replicated")
        }
        return rows
    }

    /// The next result of the statement under way; `nil` after the last.
    private func nextResult(
        until deadline: ContinuousClock.Instant?
    ) throws(Failure) -> OpaquePointer? {
        while true {
            let unsent = unsafe PQflush(handle)
            // After a failed flush libpq keeps what the server said before it hung up.
            if unsafe PQstatus(handle) == CONNECTION_BAD
                || unsent <= 0 && PQisBusy(handle) == 0
            {
                return unsafe PQgetResult(handle)
            }
            let readiness = Readiness.wait(
                socket: unsafe PQsocket(handle), for: unsent == 1 ? [.read, .write] : .read,
                until: deadline, interrupt: interrupt)
            switch readiness {
            case .ready(canRead: true):
                // Its failure shows as a result that says so.
                _ = unsafe PQconsumeInput(handle)
            case .ready(canRead: false): break
            case .timedOut: throw .lostAfter(reason: "no answer in time")
            case .interrupted: throw .lostAfter(reason: "called off")
            }
        }
    }

    /// Why the connection broke, as far as anybody said.
    private var lossReason: String {
        if let farewell = notices.farewell { return farewell.message }
        let text = unsafe String(cString: PQerrorMessage(handle))
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init)
        return line.map { String($0.prefix(ServerError.maxMessageLength)) } ?? "connection lost"
    }
}

extension Parameters {
    /// Lends the parallel arrays libpq wants: types, values, lengths and formats (all binary).
    func withWireFormat<Result>(
        _ use: (
            Int32, [UInt32], [UnsafePointer<CChar>?], [Int32], [Int32]
        ) -> Result
    ) -> Result {
        let lengths = fields.map { Int32(clamping: $0.range?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: fields.count)
        return unsafe bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values: [UnsafePointer<CChar>?] = unsafe fields.map { field in
                guard let range = field.range else { return nil }
                return unsafe base.map { unsafe $0 + range.lowerBound }
            }
            return unsafe use(
                Int32(clamping: fields.count), fields.map(\.type.rawValue), values, lengths,
                formats)
        }
    }
}
