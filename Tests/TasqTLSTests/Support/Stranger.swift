import CCrypto
import NIOCore
import Synchronization
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

    /// Has a server of TLS 1.3 tell with which secret it makes its records, and how.
    func notesSecret() {
        unsafe SSL_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256")
        unsafe SSL_CTX_set_keylog_callback(context) { _, line in
            guard let text = unsafe line.map({ unsafe String(cString: $0) }) else { return }
            let words = text.split(separator: " ")
            guard words.count == 3, words[0] == "SERVER_TRAFFIC_SECRET_0" else { return }
            let digits = Array(words[2])
            serverSecret.withLock { secret in
                secret = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                    UInt8(String(digits[$0...$0 + 1]), radix: 16)
                }
            }
        }
    }

    /// The server's farewell as the record behind so many, RFC 8446, section 5.2: OpenSSL would say it
    /// behind all that it has written.
    func farewell(behind count: UInt8) throws -> ByteBuffer {
        let secret = serverSecret.withLock { $0 }
        var nonce = Self.expanded(secret, "iv", 12)
        guard secret.count == 32, nonce.count == 12, let cipher = unsafe EVP_CIPHER_CTX_new() else {
            throw CancellationError()
        }
        defer { unsafe EVP_CIPHER_CTX_free(cipher) }
        nonce[11] ^= count
        let key = Self.expanded(secret, "key", 16)
        // An alert: a warning, close_notify; behind it its type.
        let plain: [UInt8] = [1, 0, 21]
        let head: [UInt8] = [23, 3, 3, 0, UInt8(plain.count + 16)]
        var sealed = [UInt8](repeating: 0, count: plain.count)
        var tag = [UInt8](repeating: 0, count: 16)
        var length: Int32 = 0
        unsafe EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nil, key, nonce)
        unsafe EVP_EncryptUpdate(cipher, nil, &length, head, Int32(head.count))
        unsafe EVP_EncryptUpdate(cipher, &sealed, &length, plain, Int32(plain.count))
        unsafe EVP_EncryptFinal_ex(cipher, &tag, &length)
        unsafe EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag)
        return ByteBuffer(bytes: head + sealed + tag)
    }

    /// HKDF-Expand-Label of RFC 8446, section 7.1, for what one hash is long enough for.
    private static func expanded(_ secret: [UInt8], _ label: String, _ count: Int) -> [UInt8] {
        let name = Array("tls13 \(label)".utf8)
        let info = [0, UInt8(count), UInt8(name.count)] + name + [0, 1]
        var code = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        unsafe HMAC(
            EVP_sha256(), secret, Int32(secret.count), info, info.count, &code, &length)
        return Array(code.prefix(count))
    }
}

/// What ``Stranger/notesSecret()`` has noted last.
private let serverSecret = Mutex<[UInt8]>([])
