import CCrypto
import FoundationEssentials
package import NIOCore

/// What the connections of one side of TLS have in common: whom they trust, who they are.
///
/// The system's OpenSSL does it, 3.0 or newer: libpq brings it into the process anyway, so there is
/// one such library, which the distribution keeps up to date, under the distribution's policy; and
/// a copy of our own would be two minutes of every first build. TLS 1.2 and newer, with neither
/// compression nor renegotiation. Files that are named are read once.
@safe
package final class TLSContext: Sendable {
    /// PEM files: a certificate, followed by its chain, and its private key, unencrypted.
    package struct Identity: Sendable, Hashable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// What cannot be used.
    package enum Mistake: Error, Hashable {
        case authorities, certificate, key
        /// The certificate is of a kind that the system forbids, in OpenSSL's words.
        case forbidden(String)
        /// The key is not the certificate's.
        case otherKey
        /// OpenSSL itself.
        case library
    }

    /// Many threads may make sessions of it, as OpenSSL allows once it is complete.
    private nonisolated(unsafe) let context: OpaquePointer
    private let farewellTime: TimeAmount

    /// For servers that speak HTTP/1.1. They ask no client for a certificate, and give none a
    /// ticket for its next visit: OpenSSL's keys for those never change.
    ///
    /// - Parameter farewellTime: how long a peer has to say farewell before the connection is
    ///   closed without.
    package init(server identity: Identity, farewellTime: TimeAmount) throws(Mistake) {
        unsafe context = try Self.make(TLS_server_method())
        self.farewellTime = farewellTime
        unsafe SSL_CTX_set_options(context, ccrypto_no_ticket)
        unsafe SSL_CTX_set_num_tickets(context, 0)
        unsafe SSL_CTX_set_alpn_select_cb(context, chooseHTTP, nil)
        try use(identity)
    }

    /// For clients, which always check the server's chain and name. Without anybody to trust there is
    /// none: each connection would fail.
    ///
    /// - Parameters:
    ///   - authorities: PEM file of those to trust instead of the system's.
    ///   - identity: for servers that ask for one.
    package init(
        clientTrusting authorities: String?, identity: Identity? = nil, speaksHTTP: Bool = false,
        farewellTime: TimeAmount
    ) throws(Mistake) {
        unsafe context = try Self.make(TLS_client_method())
        self.farewellTime = farewellTime
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        let isTrusting =
            if let authorities {
                unsafe SSL_CTX_load_verify_file(context, authorities)
            } else {
                unsafe SSL_CTX_set_default_verify_paths(context)
            }
        ERR_clear_error()
        guard isTrusting == 1, authorities != nil || systemHasAuthorities else {
            throw .authorities
        }
        if let identity { try use(identity) }
        if speaksHTTP, unsafe SSL_CTX_set_alpn_protos(context, http, UInt32(http.count)) != 0 {
            throw .library
        }
    }

    deinit {
        unsafe SSL_CTX_free(context)
    }

    /// A handler for a connection that was accepted.
    package func serverHandler() throws(TLSFault) -> TLSHandler {
        let session = try unsafe TLSSession(of: context)
        session.accept()
        return TLSHandler(session, farewellTime: farewellTime)
    }

    /// A handler for a connection to a host, whose certificate must be for this name or address.
    package func clientHandler(for host: String) throws(TLSFault) -> TLSHandler {
        let session = try unsafe TLSSession(of: context)
        guard session.connect(to: host) else {
            throw .failed("no certificate can be for this host")
        }
        return TLSHandler(session, farewellTime: farewellTime)
    }

    /// To be called before anything else in a program uses OpenSSL, libpq included: threads go on
    /// using it while the process exits, so nothing may be torn down under them.
    package static func prepareProcess() {
        OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
    }

    private static func make(_ method: OpaquePointer?) throws(Mistake) -> OpaquePointer {
        prepareProcess()
        guard let context = unsafe SSL_CTX_new(method) else { throw .library }
        let version = Int(TLS1_2_VERSION)
        // The system's policy may want a newer one.
        let asked = unsafe SSL_CTX_ctrl(context, SSL_CTRL_GET_MIN_PROTO_VERSION, 0, nil)
        if asked < version {
            guard unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, nil) == 1
            else {
                unsafe SSL_CTX_free(context)
                throw .library
            }
        }
        unsafe SSL_CTX_set_options(context, ccrypto_no_compression | ccrypto_no_renegotiation)
        let modes =
            UInt32(SSL_MODE_RELEASE_BUFFERS) | UInt32(SSL_MODE_NO_AUTO_CHAIN)
            | UInt32(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
        unsafe SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(modes), nil)
        unsafe SSL_CTX_ctrl(
            context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // OpenSSL would ask the terminal for the password of an encrypted key.
        unsafe SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
        return unsafe context
    }

    /// Whether any authority is where the system keeps them. Those of a file have been read; in a directory
    /// each is only looked for when it is asked for, by its hash.
    private var systemHasAuthorities: Bool {
        let read = unsafe X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))
        if unsafe OPENSSL_sk_num(read) > 0 { return true }
        let variable = unsafe String(cString: X509_get_default_cert_dir_env())
        let usual = unsafe String(cString: X509_get_default_cert_dir())
        let places = ProcessInfo.processInfo.environment[variable] ?? usual
        return places.split(separator: ":").contains { place in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: String(place))) ?? []
            return names.contains { name in
                let parts = name.split(separator: ".", omittingEmptySubsequences: false)
                return parts.count == 2 && parts[0].utf8.count == 8
                    && parts[0].allSatisfy(\.isHexDigit) && UInt16(parts[1]) != nil
            }
        }
    }

    private func use(_ identity: Identity) throws(Mistake) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard unsafe SSL_CTX_use_certificate_chain_file(context, identity.certificate) == 1 else {
            let error = ERR_peek_last_error()
            switch (ERR_GET_LIB(error), ERR_GET_REASON(error)) {
            case (ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL), (ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL),
                (ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK):
                let text = unsafe ERR_reason_error_string(error).map { unsafe String(cString: $0) }
                throw .forbidden(text ?? "too weak")
            default: throw .certificate
            }
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM) == 1
        else {
            throw ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509 ? .otherKey : .key
        }
        guard unsafe SSL_CTX_check_private_key(context) == 1 else { throw .otherKey }
    }
}

/// As ALPN lists it, RFC 7301.
private let http = [8] + Array("http/1.1".utf8)

/// Chooses HTTP/1.1 where a client offers it; goes on without a word where it does not.
private func chooseHTTP(
    _: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ length: UnsafeMutablePointer<UInt8>?, _ offers: UnsafePointer<UInt8>?, _ count: UInt32,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    let all = unsafe UnsafeBufferPointer(start: offers, count: Int(count))
    var start = 0
    while start < all.count {
        let end = start + 1 + Int(unsafe all[start])
        guard end <= all.count else { break }
        if unsafe all[start..<end].elementsEqual(http) {
            unsafe chosen?.pointee = offers?.advanced(by: start + 1)
            unsafe length?.pointee = UInt8(http.count - 1)
            return SSL_TLSEXT_ERR_OK
        }
        start = end
    }
    return SSL_TLSEXT_ERR_NOACK
}
