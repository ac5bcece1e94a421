import CPostgres

/// An error as the server worded it, without the parts that may quote data.
///
/// Only the primary message is kept: DETAIL, CONTEXT and the statement may hold what users stored.
struct ServerError: Error, Hashable {
    /// Five characters; empty when the error was made on this side of the wire.
    let sqlState: String
    /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, …, in English whatever the server speaks.
    let severity: String
    /// One line of at most ``maxMessageLength`` characters.
    let message: String

    static let maxMessageLength = 300

    /// The session is gone: the server closes the connection after this.
    var endsSession: Bool { severity == "FATAL" || severity == "PANIC" }

    init(sqlState: String, severity: String, message: String) {
        self.sqlState = sqlState
        self.severity = severity
        let line = message.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        self.message = String(line.prefix(Self.maxMessageLength))
    }

    /// Reads the error out of a result, which stays the caller's.
    init(of result: OpaquePointer) {
        func field(_ code: UInt8) -> String {
            guard let text = unsafe PQresultErrorField(result, Int32(code)) else { return "" }
            return unsafe String(cString: text)
        }
        // PG_DIAG_SQLSTATE, PG_DIAG_SEVERITY_NONLOCALIZED, PG_DIAG_MESSAGE_PRIMARY
        self.init(
            sqlState: field(UInt8(ascii: "C")), severity: field(UInt8(ascii: "V")),
            message: field(UInt8(ascii: "M")))
    }

    /// Reads the error out of the text of a failed connection attempt, whose SQLSTATE libpq
    /// shows only in its verbose wording, `FATAL:  28P01: password authentication failed …`.
    init(connecting text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        for line in lines.reversed() {
            guard let colon = line.firstRange(of: ":  "),
                let code = line[colon.upperBound...].firstRange(of: ": "),
                case let state = line[colon.upperBound..<code.lowerBound], isSQLState(state)
            else { continue }
            self.init(
                sqlState: String(state), severity: "FATAL",
                message: String(line[code.upperBound...]))
            return
        }
        // Made by libpq or the system: `connection to server at "…", port 1 failed: …`, one line
        // for each address, hints indented or on a line that begins like this one.
        let isHint = { (line: String) in line.hasPrefix("\t") || line.hasPrefix("Either ") }
        let reason = lines.last { !isHint($0) && !$0.isEmpty } ?? "connection failed"
        let told = reason.firstRange(of: " failed: ").map { reason[$0.upperBound...] }
        let message = told ?? reason[...]
        self.init(
            sqlState: "", severity: "FATAL",
            message: message.prefix(1).lowercased() + message.dropFirst())
    }
}

private func isSQLState(_ text: Substring) -> Bool {
    text.utf8.count == 5
        && text.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
}
