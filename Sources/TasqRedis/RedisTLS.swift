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
        /// The name the servers' certificates must be for; each one's own host by default.
        var sni: String?

        static let names = ["cacert", "cert", "key", "sni"]
    }

    private let options: Options
    private let context: NIOSSLContext

    /// Throws ``InvalidInput`` naming the file, or the host of these, that cannot be used.
    init(_ options: Options, hosts: [String]) throws(InvalidInput) {
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
        guard options.sni.map(Self.isAddress) != true else {
            throw Self.invalid("sni must be a name, not an address")
        }
        self.options = options
        for host in hosts {
            do {
                _ = try handler(for: host)
            } catch {
                throw Self.invalid("names a host that no certificate can be for")
            }
        }
    }

    /// A handler for one connection. The name is asked for and checked; of a server that is known
    /// by its address, and for which no `sni` was given, the address is.
    func handler(for host: String) throws -> NIOSSLClientHandler {
        let name = options.sni ?? host
        return try NIOSSLClientHandler(
            context: context, serverHostname: Self.isAddress(name) ? nil : name)
    }

    private static func isAddress(_ name: String) -> Bool {
        (try? SocketAddress(ipAddress: name, port: 0)) != nil
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
        left.options == right.options
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(options)
    }
}
