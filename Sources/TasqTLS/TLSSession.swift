import CCrypto
import NIOCore

/// One connection's side of TLS: OpenSSL's object between two buffers in memory, freed with it.
///
/// Nothing here calls out, waits or touches a socket. Belongs to one event loop.
@safe
struct TLSSession: ~Copyable {
    enum Progress {
        /// The handshake is done, or the record made.
        case established
        /// Goes on when more has come from the peer.
        case waiting
        /// The peer has said farewell.
        case ended
        case failed(TLSFault)
    }

    /// The most bytes that are moved at once: what one record holds.
    private static let pieceLimit = 16_384

    private let ssl: OpaquePointer
    /// What came from the peer and what is to go there; they belong to ``ssl``.
    private let inbox: OpaquePointer
    private let outbox: OpaquePointer

    init(of context: OpaquePointer) throws(TLSFault) {
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(context) else { throw .failed("no memory") }
        guard let inbox = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(ssl)
            throw .failed("no memory")
        }
        guard let outbox = unsafe BIO_new(BIO_s_mem()) else {
            unsafe BIO_free(inbox)
            unsafe SSL_free(ssl)
            throw .failed("no memory")
        }
        unsafe SSL_set_bio(ssl, inbox, outbox)
        unsafe self.ssl = ssl
        unsafe self.inbox = inbox
        unsafe self.outbox = outbox
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    /// Makes it a server's.
    func accept() {
        unsafe SSL_set_accept_state(ssl)
    }

    /// Makes it a client's, which demands a certificate for this name or address; `false` if there
    /// can be none. Only a name is also told to the peer.
    func connect(to host: String) -> Bool {
        unsafe SSL_set_connect_state(ssl)
        // OpenSSL takes a name with a dot before it for all names below.
        guard !host.utf8.contains(0), host.utf8.first != UInt8(ascii: "."),
            let parameters = unsafe SSL_get0_param(ssl)
        else { return false }
        // Behind the % of an IPv6 address stands an interface.
        let isSixth = host.utf8.contains(UInt8(ascii: ":"))
        let address = isSixth ? String(host.prefix { $0 != "%" }) : host
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, address) == 1 { return true }
        ERR_clear_error()
        let name = host.utf8.last == UInt8(ascii: ".") ? String(host.dropLast()) : host
        let length = name.utf8.count
        guard (1...255).contains(length) else { return false }
        unsafe X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard unsafe X509_VERIFY_PARAM_set1_host(parameters, name, length) == 1 else {
            return false
        }
        return unsafe name.withCString { name in
            unsafe SSL_ctrl(
                ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                UnsafeMutableRawPointer(mutating: name)) == 1
        }
    }

    // MARK: The peer's side

    /// Takes in a piece of what came from the peer.
    func feed(_ bytes: inout ByteBuffer) {
        let length = min(bytes.readableBytes, Self.pieceLimit)
        let taken = unsafe bytes.withUnsafeReadableBytes { pointer in
            unsafe BIO_write(inbox, pointer.baseAddress, Int32(length))
        }
        // Short only without memory; what is lost then the next record's code does not match.
        bytes.moveReaderIndex(forwardBy: taken == length ? length : bytes.readableBytes)
    }

    /// What is to go to the peer.
    func takeOutbox() -> ByteBuffer? {
        let length = unsafe BIO_ctrl_pending(outbox)
        guard length > 0 else { return nil }
        var bytes = ByteBuffer()
        unsafe bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { pointer in
            let room = Int32(clamping: length)
            return max(0, Int(unsafe BIO_read(outbox, pointer.baseAddress, room)))
        }
        return bytes
    }

    // MARK: Our side

    /// Goes on with the handshake.
    func shakeHands() -> Progress {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        return result == 1 ? .established : progress(after: result)
    }

    /// Appends what has come from the peer; waiting, ended or failed afterwards. A farewell in the middle
    /// of another message, as of a ticket, is none.
    func read(into bytes: inout ByteBuffer) -> Progress {
        while true {
            var result: Int32 = 0
            ERR_clear_error()
            unsafe bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 512) {
                unsafe result = SSL_read(ssl, $0.baseAddress, Int32(clamping: $0.count))
                return max(0, Int(result))
            }
            guard result <= 0 else { continue }
            let outcome = progress(after: result)
            if case .ended = outcome, unsafe SSL_in_init(ssl) == 1 { return .failed(.cut) }
            return outcome
        }
    }

    /// Makes a record of the first of these bytes, of which there is one at least; established once
    /// it is made, waiting if the peer has to end a message of its own before.
    func write(_ bytes: inout ByteBuffer) -> Progress {
        let length = min(bytes.readableBytes, Self.pieceLimit)
        ERR_clear_error()
        let result = unsafe bytes.withUnsafeReadableBytes { pointer in
            unsafe SSL_write(ssl, pointer.baseAddress, Int32(length))
        }
        guard result > 0 else { return progress(after: result) }
        bytes.moveReaderIndex(forwardBy: Int(result))
        return .established
    }

    /// Says farewell to the peer, once: nothing more will be written.
    func finish() {
        guard unsafe SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
        ERR_clear_error()
        _ = unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func progress(after result: Int32) -> Progress {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .waiting
        case SSL_ERROR_ZERO_RETURN: return .ended
        default:
            return .failed(
                .takeNoted(
                    isEstablished: unsafe SSL_is_init_finished(ssl) == 1,
                    verification: unsafe SSL_get_verify_result(ssl)))
        }
    }
}
