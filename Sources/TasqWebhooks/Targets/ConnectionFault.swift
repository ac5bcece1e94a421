import FoundationEssentials
import NIOCore
import NIOPosix
import TasqTLS

/// Why a connection could not be made or broke off, in a few words for an attempt's reason.
///
/// Names the fault and at most the host: never the path, a header or a byte of the body.
package func connectionFault(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        guard let first = error.connectionErrors.first else {
            return "the name \(error.host) does not resolve"
        }
        // What is forbidden is left out where something else failed.
        let failed = error.connectionErrors.first { !($0.error is ForbiddenPeer) } ?? first
        return connectionFault(failed.error)
    case let error as IOError:
        switch POSIXErrorCode(rawValue: error.errnoCode) {
        case .ECONNREFUSED: return "connection refused"
        case .ECONNRESET, .EPIPE: return "connection broken off"
        case .ETIMEDOUT: return "connection timed out"
        case .EHOSTUNREACH, .ENETUNREACH: return "no route to it"
        default: return "connection failed (errno \(error.errnoCode))"
        }
    case let error as RequestFault:
        return error.description
    case let error as TLSFault:
        return error.description
    case TLSContext.Mistake.authorities:
        return "this system has no certificate authorities: install them, or set SSL_CERT_FILE"
    case ChannelError.connectTimeout:
        return RequestFault.timedOut.description
    default:
        // Of a kind not foreseen, which may quote what the peer sent.
        return String(
            String(describing: error).unicodeScalars.lazy
                .map { isPrintable(String($0)) ? Character($0) : " " }.prefix(200))
    }
}
