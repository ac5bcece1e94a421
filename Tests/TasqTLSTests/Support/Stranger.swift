import CCrypto
import NIOCore
import TasqTesting

/// A peer made by hand of OpenSSL's own functions, which does what no well-behaved one would.
@safe
final class Stranger {
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let inbox: OpaquePointer
    private let outbox: OpaquePointer
    /// The reason of its last failure, in OpenSSL's words.
    private(set) var complaint = ""

    /// A client, or a server with these files, that speaks these versions only.
    init(
        _ identity: CertificateAuthority.Identity? = nil, versions: ClosedRange<Int32>
    ) throws {
        let method = unsafe identity == nil ? TLS_client_method() : TLS_server_method()
        guard let context = unsafe SSL_CTX_new(method) else { throw CancellationError() }
        unsafe self.context = context
        // Versions as old as these are below the default level.
        unsafe SSL_CTX_set_security_level(context, 0)
        unsafe SSL_CTX_ctrl(
            context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(versions.lowerBound), nil)
        unsafe SSL_CTX_ctrl(
            context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(versions.upperBound), nil)
        if let identity {
            unsafe SSL_CTX_use_certificate_chain_file(context, identity.certificate)
            unsafe SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM)
        }
        guard let ssl = unsafe SSL_new(context), let inbox = unsafe BIO_new(BIO_s_mem()),
            let outbox = unsafe BIO_new(BIO_s_mem())
        else { throw CancellationError() }
        unsafe self.ssl = ssl
        unsafe self.inbox = inbox
        unsafe self.outbox = outbox
        unsafe SSL_set_bio(ssl, inbox, outbox)
        if identity == nil {
            unsafe SSL_set_connect_state(ssl)
        } else {
            unsafe SSL_set_accept_state(ssl)
        }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe SSL_CTX_free(context)
    }

    /// Talks to the other end until neither has anything to say; returns what that has written.
    @discardableResult
    func talk(to end: End) -> String {
        var heard: [UInt8] = []
        while true {
            ERR_clear_error()
            if unsafe SSL_do_handshake(ssl) == 1 {
                var bytes = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = unsafe SSL_read(ssl, &bytes, Int32(bytes.count))
                    if count <= 0 { break }
                    heard += bytes.prefix(Int(count))
                }
            }
            // Before the other end, on the same thread, clears it.
            let error = ERR_peek_error()
            if error != 0, let reason = unsafe ERR_reason_error_string(error) {
                complaint = unsafe String(cString: reason)
            }
            end.receive(sent())
            let answer = end.sent()
            if answer.readableBytes == 0 { break }
            receive(answer)
        }
        return String(decoding: heard, as: UTF8.self)
    }

    func shakeHands() {
        ERR_clear_error()
        unsafe SSL_do_handshake(ssl)
    }

    func sent() -> ByteBuffer {
        var bytes = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(outbox))
        if !bytes.isEmpty { unsafe BIO_read(outbox, &bytes, Int32(bytes.count)) }
        return ByteBuffer(bytes: bytes)
    }

    func receive(_ bytes: ByteBuffer) {
        unsafe BIO_write(inbox, Array(bytes.readableBytesView), Int32(bytes.readableBytes))
    }

    func write(_ text: String) {
        unsafe SSL_write(ssl, text, Int32(text.utf8.count))
    }

    /// Has a server's tickets be long ones, in several records each.
    func issuesLongTickets() {
        unsafe SSL_CTX_set_session_ticket_cb(
            context,
            { ssl, _ in
                let padding = [UInt8](repeating: 1, count: 4000)
                let session = unsafe SSL_get_session(ssl)
                return unsafe SSL_SESSION_set1_ticket_appdata(session, padding, padding.count)
            }, nil, nil)
        unsafe SSL_ctrl(ssl, SSL_CTRL_SET_MAX_SEND_FRAGMENT, 512, nil)
    }

    /// Changes its keys, and asks the other end to do so.
    func updateKeys() {
        unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
        unsafe SSL_do_handshake(ssl)
    }

    /// Asks for another handshake, as TLS 1.2 allows.
    func renegotiate() {
        unsafe SSL_renegotiate(ssl)
        unsafe SSL_do_handshake(ssl)
    }
}
