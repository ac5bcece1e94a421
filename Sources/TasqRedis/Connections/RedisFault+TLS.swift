import TasqTLS

extension RedisFault {
    /// What an error of TLS means; `nil` for any other error. Says what to mend where it is known.
    static func tls(_ error: any Error) -> RedisFault? {
        guard let fault = error as? TLSFault else { return nil }
        guard fault != .cut else { return .lost }
        return RedisFault(.refused(fault.isLasting ? "HANDSHAKE" : "TLS"), mend(for: fault))
    }

    private static func mend(for fault: TLSFault) -> String {
        switch fault {
        case .otherName:
            "its certificate is for another name: use that name in REDIS_URL, or give it as sni"
        case .untrusted(let why):
            "its certificate is not trusted, or expired (\(why)): "
                + "check its dates, and cacert in REDIS_URL"
        case .notTLS: "does not speak TLS on this port: use redis:// or its TLS port"
        case .hungUp: "hung up during the TLS handshake: is it a TLS port?"
        // Of RFC 8446, section 6: handshake_failure, certificate_required.
        case .refused(40), .refused(116):
            "refused the handshake: if it asks for a client certificate, "
                + "give cert and key in REDIS_URL"
        // unknown_ca.
        case .refused(48): "does not trust our certificate: check cert in REDIS_URL"
        // bad_certificate to certificate_unknown.
        case .refused(42...46): "refuses our certificate: check cert in REDIS_URL"
        // protocol_version.
        case .refused(70), .tooOld: "speaks no TLS newer than 1.1"
        case .refused, .cut, .failed: "the TLS handshake failed (\(fault))"
        }
    }
}

extension TLSFault {
    /// Whether a person must mend it; a server that hung up may just be going or coming.
    fileprivate var isLasting: Bool {
        switch self {
        case .otherName, .untrusted, .notTLS, .tooOld: true
        // Of RFC 8446, section 6: handshake_failure to unknown_ca, protocol_version,
        // certificate_required.
        case .refused(let alert): (40...48).contains(alert) || alert == 70 || alert == 116
        case .hungUp, .cut, .failed: false
        }
    }
}
