import CPostgres
import Glibc

/// One libpq connection, used by one thread at a time.
///
/// libpq is driven without its blocking calls: every wait is a poll(2) with a deadline, so a
/// server that has stopped answering never holds a thread for longer than was agreed.
@safe
final class Connection {
    let handle: OpaquePointer
    let notices = NoticeLog()
    /// Wakes this connection's thread out of any wait; the connection is of no use afterwards.
    let interrupt: Interrupt?

    /// A pooler stands between, so nothing may be left behind in the session.
    var isPooled = false
    /// Transactions begin with another isolation than READ COMMITTED unless they say so.
    var saysIsolation = false
    /// Statements are planned for the values of each call; see ``Statement/isPlannedAnew``.
    var plansAnew = false
    /// When the session last forgot its plans, or might have, and statements run since.
    var plannedAt = ContinuousClock.now
    var runsSincePlans = 0
    /// The names of the statements the server has prepared for this connection.
    var prepared: Set<String> = []

    /// Connects, or throws what went wrong; waits at most `timeout` for each address.
    ///
    /// libpq shows the SQLSTATE of a refused connection only in its verbose wording, which can be
    /// asked for only while connecting step by step. Step by step, though, libpq does not leave
    /// an address that stays silent; where there may be another one, its own blocking walk over
    /// them follows.
    init(
        to target: ConnectionTarget, timeout: Duration, interrupt: Interrupt? = nil
    ) throws(ServerError) {
        self.interrupt = interrupt
        let words = target.parameters
        // Two arrays of C strings, each ended by a null pointer.
        var keywords: [UnsafePointer<CChar>?] = unsafe []
        var values: [UnsafePointer<CChar>?] = unsafe []
        for word in words {
            unsafe keywords.append(UnsafePointer(strdup(word.keyword)))
            unsafe values.append(UnsafePointer(strdup(word.value)))
        }
        defer {
            unsafe (keywords + values).forEach {
                unsafe free(UnsafeMutablePointer(mutating: $0))
            }
        }
        let started = unsafe PQconnectStartParams(keywords + [nil], values + [nil], 1)
        guard let handle = unsafe started else {
            throw ServerError(sqlState: "53200", severity: "FATAL", message: "out of memory")
        }
        unsafe self.handle = handle
        unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        unsafe notices.attach(to: handle)
        var ended = follow(until: ContinuousClock.now + timeout)
        if !ended && target.mayHaveSeveralAddresses && !(interrupt?.isSignalled ?? false) {
            unsafe PQreset(handle)
            ended = true
        }
        guard ended else {
            throw ServerError(
                sqlState: "", severity: "FATAL", message: "no answer within \(timeout)")
        }
        guard isAlive else {
            throw ServerError(connecting: unsafe String(cString: PQerrorMessage(handle)))
        }
        unsafe PQsetnonblocking(handle, 1)
    }

    deinit {
        unsafe PQfinish(handle)
    }

    /// Whether the connection stands as far as this side knows.
    var isAlive: Bool { unsafe PQstatus(handle) == CONNECTION_OK && notices.farewell == nil }

    /// Whether no transaction is open.
    var isIdle: Bool { unsafe PQtransactionStatus(handle) == PQTRANS_IDLE }

    /// The process the server named at connect; a pooler makes one up.
    var announcedProcess: Int32 { unsafe PQbackendPID(handle) }

    /// The encoding of the database, as in `UTF8`; empty when the server did not say.
    var databaseEncoding: String {
        guard let name = unsafe PQparameterStatus(handle, "server_encoding") else { return "" }
        return unsafe String(cString: name)
    }

    /// The server's version as a number, as in 150020.
    var serverVersion: Int { unsafe Int(PQserverVersion(handle)) }

    /// Takes in what came while nobody asked, above all that the server closed the connection;
    /// says whether it still stands.
    func stillStands() -> Bool {
        let now = ContinuousClock.now
        while isAlive {
            let readiness = Readiness.wait(
                socket: unsafe PQsocket(handle), for: .read, until: now, interrupt: nil)
            guard case .ready = readiness else { return true }
            guard unsafe PQconsumeInput(handle) == 1 else { return false }
            // Notices are handed over only when input is looked at.
            _ = unsafe PQisBusy(handle)
        }
        return false
    }

    /// Waits for the end of the connection; says whether it came before the deadline and the
    /// interrupt.
    func ends(before deadline: ContinuousClock.Instant, unless interrupt: Interrupt) -> Bool {
        while stillStands() {
            let readiness = Readiness.wait(
                socket: unsafe PQsocket(handle), for: .read, until: deadline, interrupt: interrupt)
            guard case .ready = readiness else { return false }
        }
        return true
    }

    /// Follows the steps of connecting; says whether they came to an end, good or bad.
    private func follow(until deadline: ContinuousClock.Instant) -> Bool {
        // A started connection first waits until it can write.
        var step = PGRES_POLLING_WRITING
        while unsafe PQstatus(handle) != CONNECTION_BAD {
            switch step {
            case PGRES_POLLING_OK, PGRES_POLLING_FAILED: return true
            default: break
            }
            let readiness = Readiness.wait(
                socket: unsafe PQsocket(handle),
                for: step == PGRES_POLLING_READING ? .read : .write,
                until: deadline, interrupt: interrupt)
            guard case .ready = readiness else { return false }
            step = unsafe PQconnectPoll(handle)
        }
        return true
    }
}
