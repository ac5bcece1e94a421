import CCrypto

/// Why a connection could not be secured, or why a secured one has ended.
package enum TLSFault: Error, Hashable {
    /// The peer's certificate is for another name or address.
    case otherName
    /// The peer's certificate is not to be trusted, in OpenSSL's words.
    case untrusted(String)
    /// The peer refused or broke off, with an alert of RFC 8446, section 6.
    case refused(alert: UInt8)
    /// What the peer speaks is not TLS.
    case notTLS
    /// The peer speaks no version of TLS that is spoken here.
    case tooOld
    /// The peer closed the connection before the handshake was done.
    case hungUp
    /// The connection ended without the peer's farewell: what came before may lack its end.
    case cut
    /// Anything else, in OpenSSL's words.
    case failed(String)
}

extension TLSFault: CustomStringConvertible {
    /// A few words, none of them the peer's.
    package var description: String {
        switch self {
        case .otherName: "its certificate is for another name"
        case .untrusted(let why): "its certificate is not to be trusted: \(why)"
        case .refused(let alert): "it refused TLS: \(Self.name(ofAlert: alert))"
        case .notTLS: "it does not speak TLS on this port"
        case .tooOld: "it speaks no TLS newer than 1.1"
        case .hungUp: "it hung up during the TLS handshake"
        case .cut: "it broke off without the farewell of TLS"
        case .failed(let why): "TLS failed: \(why)"
        }
    }

    private static func name(ofAlert alert: UInt8) -> String {
        unsafe String(cString: SSL_alert_desc_string_long(Int32(alert)))
    }
}

extension TLSFault {
    /// What OpenSSL has noted of the call that failed last on this thread; forgets the note.
    ///
    /// - Parameters:
    ///   - isEstablished: Whether the handshake was done by then.
    ///   - verification: What came of checking the peer's certificate, `X509_V_OK` if nothing.
    static func takeNoted(isEstablished: Bool, verification: Int) -> TLSFault {
        defer { ERR_clear_error() }
        if !isEstablished, Int32(truncatingIfNeeded: verification) != X509_V_OK {
            return untrusted(verification)
        }
        // A search for an authority, say, may have noted that there is no such file before.
        let first = ERR_get_error()
        var error = first
        while error != 0, ERR_GET_LIB(error) != ERR_LIB_SSL { error = ERR_get_error() }
        if error == 0 { error = first }
        let text = unsafe ERR_reason_error_string(error).map { unsafe String(cString: $0) }
        guard ERR_GET_LIB(error) == ERR_LIB_SSL else { return .failed(text ?? "no reason known") }
        let reason = ERR_GET_REASON(error)
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            if !isEstablished { return .notTLS }
        case SSL_R_UNSUPPORTED_PROTOCOL:
            return .tooOld
        default:
            if let alert = UInt8(exactly: reason - SSL_AD_REASON_OFFSET) {
                return .refused(alert: alert)
            }
        }
        return .failed(text ?? "reason \(reason)")
    }

    private static func untrusted(_ verification: Int) -> TLSFault {
        switch Int32(truncatingIfNeeded: verification) {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: return .otherName
        default:
            return .untrusted(
                unsafe String(cString: X509_verify_cert_error_string(verification)))
        }
    }
}
