import CPostgres

/// What a connection was told besides its answers.
///
/// Most notices say nothing a program needs. Two do: that a commit was not replicated although it
/// answers success (the wait for a synchronous standby was cancelled), and that the server is
/// ending the session.
final class NoticeLog {
    /// The statement under way cannot be trusted to be as durable as its answer says.
    private(set) var castsDoubt = false
    /// The server said that it ends this session.
    private(set) var farewell: ServerError?

    /// Forgets what was said about the statement before.
    func startStatement() {
        castsDoubt = false
    }

    /// Makes this the receiver of the connection's notices; it must outlive the connection.
    func attach(to connection: OpaquePointer) {
        unsafe PQsetNoticeReceiver(
            connection,
            { argument, result in
                guard let argument = unsafe argument, let result = unsafe result else { return }
                let log = unsafe Unmanaged<NoticeLog>.fromOpaque(argument).takeUnretainedValue()
                unsafe log.receive(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func receive(_ result: OpaquePointer) {
        let notice = unsafe ServerError(of: result)
        if notice.endsSession { farewell = notice }
        guard notice.severity == "WARNING" else { return }
        switch notice.sqlState {
        case "57P01", "57P02": castsDoubt = true
        case "01000":
            // Other warnings share this state; the function that raised it has no translation.
            let source = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "R")))
                .map { unsafe String(cString: $0) }
            castsDoubt =
                castsDoubt || source == "SyncRepWaitForLSN"
                || notice.message.hasPrefix("canceling wait for synchronous replication")
        default: break
        }
    }
}
