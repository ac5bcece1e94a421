import NIOCore
import Synchronization
public import Tasq
import TasqTLS

/// A listener's certificate and private key; may be replaced while connections are served.
///
/// TLS 1.2 and newer. Clients are not asked for a certificate.
public final class ListenerTLS: Sendable {
    /// How long a client has to say goodbye before its connection is closed without.
    private static let farewellTime = TimeAmount.seconds(1)

    private let context: Mutex<TLSContext>

    /// Reads PEM files: the certificate, followed by its chain, and its private key, unencrypted.
    ///
    /// Throws `InvalidInput` naming `field` and the file that cannot be used.
    public init(certificate: String, key: String, field: String) throws(InvalidInput) {
        do throws(TLSContext.Mistake) {
            context = Mutex(
                try TLSContext(
                    server: .init(certificate: certificate, key: key),
                    farewellTime: Self.farewellTime))
        } catch {
            switch error {
            case .certificate, .authorities:
                throw InvalidInput(
                    field: "\(field)_certificate", "\(certificate) cannot be read or is not PEM")
            case .forbidden(let why):
                throw InvalidInput(
                    field: "\(field)_certificate",
                    "\(certificate) is too weak for this system's OpenSSL: \(why)")
            case .key:
                throw InvalidInput(
                    field: "\(field)_key",
                    "\(key) cannot be read or is not an unencrypted PEM key")
            case .otherKey:
                throw InvalidInput(
                    field: "\(field)_key",
                    "\(key) does not belong to the certificate \(certificate)")
            case .library:
                throw InvalidInput(field: "\(field)_certificate", "OpenSSL cannot be used")
            }
        }
    }

    /// Takes another certificate for the connections that come from now on.
    public func replace(with other: ListenerTLS) {
        let fresh = other.context.withLock { $0 }
        context.withLock { $0 = fresh }
    }

    func handler() throws(TLSFault) -> TLSHandler {
        try context.withLock { $0 }.serverHandler()
    }
}
