import NIOSSL

extension RedisFault {
    /// What an error of TLS means; `nil` for any other error. Says what to mend where it is known.
    static func tls(_ error: any Error) -> RedisFault? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return insecure(
                "its certificate is for another name: use that name in REDIS_URL, or give it as sni"
            )
        case let error as NIOSSLExtraError: return insecure("TLS failed (\(error))")
        case NIOSSLError.handshakeFailed(let cause), NIOSSLError.shutdownFailed(let cause):
            return insecure(mend(for: "\(cause)"))
        case NIOSSLError.uncleanShutdown: return .lost
        case let error as BoringSSLError: return insecure(mend(for: "\(error)"))
        case is NIOSSLError: return insecure("TLS failed")
        default: return nil
        }
    }

    private static func insecure(_ text: String) -> RedisFault {
        RedisFault(.refused("TLS"), text)
    }

    private static func mend(for cause: String) -> String {
        let mends = [
            (
                "CERTIFICATE_VERIFY_FAILED",
                "its certificate is not trusted, or expired: check its dates, and cacert in REDIS_URL"
            ),
            (
                "WRONG_VERSION_NUMBER",
                "does not speak TLS on this port: use redis:// or its TLS port"
            ),
            ("CERTIFICATE_REQUIRED", noCertificate), ("HANDSHAKE_FAILURE", noCertificate),
            (
                "ALERT_UNKNOWN_CA",
                "does not trust our certificate: check cert in REDIS_URL"
            ),
            ("ALERT_BAD_CERTIFICATE", "refuses our certificate: check cert in REDIS_URL"),
            ("EOF during handshake", "hung up during the TLS handshake: is it a TLS port?"),
            ("PROTOCOL_VERSION", "speaks no TLS newer than 1.1"),
        ]
        return mends.first { cause.contains($0.0) }?.1 ?? "the TLS handshake failed"
    }

    private static let noCertificate =
        "refused the handshake: if it asks for a client certificate, give cert and key in REDIS_URL"
}
