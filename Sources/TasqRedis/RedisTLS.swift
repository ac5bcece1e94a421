import NIOCore
import Tasq
import TasqTLS

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
    private let context: TLSContext

    /// Throws ``InvalidInput`` naming the file, or the host of these, that cannot be used.
    init(_ options: Options, hosts: [String]) throws(InvalidInput) {
        guard (options.cert == nil) == (options.key == nil) else {
            throw Self.invalid("must give cert and key together")
        }
        do throws(TLSContext.Mistake) {
            context = try TLSContext(
                clientTrusting: options.cacert, identity: options.identity,
                farewellTime: .milliseconds(500))
        } catch {
            throw Self.invalid(options.rule(against: error))
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
    func handler(for host: String) throws(TLSFault) -> TLSHandler {
        try context.clientHandler(for: options.sni ?? host)
    }

    private static func isAddress(_ name: String) -> Bool {
        (try? SocketAddress(ipAddress: name, port: 0)) != nil
    }

    private static func invalid(_ rule: String) -> InvalidInput {
        InvalidInput(field: "REDIS_URL", rule)
    }
}

extension RedisTLS.Options {
    fileprivate var identity: TLSContext.Identity? {
        guard let cert, let key else { return nil }
        return .init(certificate: cert, key: key)
    }

    fileprivate func rule(against mistake: TLSContext.Mistake) -> String {
        switch mistake {
        case .authorities:
            guard let cacert else {
                return "needs certificate authorities, and this system has none: install them, "
                    + "or give cacert"
            }
            return "cacert=\(cacert) cannot be read or holds no PEM certificate"
        case .certificate: return "cert=\(cert ?? "") cannot be read or holds no PEM certificate"
        case .forbidden(let why):
            return "cert=\(cert ?? "") is too weak for this system's OpenSSL: \(why)"
        case .key: return "key=\(key ?? "") cannot be read or is not an unencrypted PEM key"
        case .otherKey: return "key does not belong to cert"
        case .library: return "OpenSSL cannot be used"
        }
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
