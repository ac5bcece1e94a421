import NIOCore
import NIOSSL
import Tasq

/// How a `rediss://` connection is secured: whom to trust, who we are, whose name to expect.
///
/// TLS 1.2 and newer; the server's chain and name are always checked. The files are read once.
struct RedisTLS: Sendable {
    /// The parameters after the `?` of a URL, named as `redis-cli`'s flags.
    struct Options: Sendable, Hashable {
        /// PEM file of the authorities to trust instead of the system's.
        var cacert: String?
        /// PEM file of our certificate, with its chain, for servers that ask for one.
        var cert: String?
        /// PEM file of its private key, unencrypted.
        var key: String?
        /// The name the server's certificate must be for; the URL's host by default.
        var sni: String?

        static let names = ["cacert", "cert", "key", "sni"]
    }

    private let options: Options
    /// The name that is asked for and checked; `nil`: the address connected to is checked.
    private let name: String?
    private let context: NIOSSLContext

    /// Throws ``InvalidInput`` naming the file that cannot be used.
    init(_ options: Options, host: String) throws(InvalidInput) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .fullVerification
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .milliseconds(500)
        if let file = options.cacert {
            configuration.trustRoots = .certificates(try Self.certificates(file, "cacert"))
        }
        guard (options.cert == nil) == (options.key == nil) else {
            throw Self.invalid("must give cert and key together")
        }
        if let cert = options.cert, let key = options.key {
            configuration.certificateChain = try Self.certificates(cert, "cert").map {
                .certificate($0)
            }
            do {
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(file: key, format: .pem))
            } catch {
                throw Self.invalid("key=\(key) cannot be read or is not an unencrypted PEM key")
            }
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Self.invalid(
                options.cert == nil
                    ? "the system's certificate authorities cannot be read: give cacert"
                    : "key does not belong to cert")
        }
        let name = options.sni ?? host
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        guard options.sni == nil || !isAddress else {
            throw Self.invalid("sni must be a name, not an address")
        }
        self.name = isAddress ? nil : name
        self.options = options
        do {
            _ = try NIOSSLClientHandler(context: context, serverHostname: self.name)
        } catch {
            throw Self.invalid("names a host that no certificate can be for")
        }
    }

    /// A handler for one connection.
    func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: name)
    }

    private static func certificates(
        _ file: String, _ option: String
    ) throws(InvalidInput) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(file)
            if !certificates.isEmpty { return certificates }
        } catch {
            // Told below, as an empty file is.
        }
        throw invalid("\(option)=\(file) cannot be read or holds no PEM certificate")
    }

    private static func invalid(_ rule: String) -> InvalidInput {
        InvalidInput(field: "REDIS_URL", rule)
    }
}

extension RedisTLS: Hashable {
    static func == (left: RedisTLS, right: RedisTLS) -> Bool {
        left.options == right.options && left.name == right.name
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(options)
        hasher.combine(name)
    }
}
