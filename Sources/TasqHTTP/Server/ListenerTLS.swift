import NIOCore
import NIOSSL
import Synchronization
public import Tasq

/// A listener's certificate and private key; may be replaced while connections are served.
///
/// TLS 1.2 and newer. Clients are not asked for a certificate.
public final class ListenerTLS: Sendable {
    /// How long a client has to say goodbye before its connection is closed without.
    private static let shutdownTime = TimeAmount.seconds(1)

    private let context: Mutex<NIOSSLContext>

    /// Reads PEM files: the certificate, followed by its chain, and its private key, unencrypted.
    ///
    /// Throws `InvalidInput` naming `field` and the file that cannot be used.
    public init(certificate: String, key: String, field: String) throws(InvalidInput) {
        context = Mutex(try Self.context(certificate, key, field))
    }

    /// Takes another certificate for the connections that come from now on.
    public func replace(with other: ListenerTLS) {
        let fresh = other.context.withLock { $0 }
        context.withLock { $0 = fresh }
    }

    func handler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: context.withLock { $0 })
    }

    private static func context(
        _ certificate: String, _ key: String, _ field: String
    ) throws(InvalidInput) -> NIOSSLContext {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate)
        } catch {
            throw InvalidInput(
                field: "\(field)_certificate", "\(certificate) cannot be read or is not PEM")
        }
        guard !chain.isEmpty else {
            throw InvalidInput(field: "\(field)_certificate", "\(certificate) holds no certificate")
        }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw InvalidInput(
                field: "\(field)_key", "\(key) cannot be read or is not an unencrypted PEM key")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = shutdownTime
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw InvalidInput(
                field: "\(field)_key", "\(key) does not belong to the certificate \(certificate)")
        }
    }
}
