import CCrypto

/// Hashes and codes as OpenSSL's libcrypto computes them: libpq brings it along, so it is there
/// wherever tasq is.
extension SignatureScheme.Algorithm {
    /// Bytes of a hash or code.
    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        case .sha1: 20
        }
    }

    /// The hash of some bytes.
    package func hash(_ bytes: [UInt8]) -> [UInt8] {
        unsafe filled { buffer, length in
            unsafe EVP_Digest(bytes, bytes.count, buffer, length, digest, nil) == 1
        }
    }

    /// The HMAC of some bytes, RFC 2104; none for an empty key.
    package func authenticationCode(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        guard !key.isEmpty, let keyLength = Int32(exactly: key.count) else { return [] }
        return unsafe filled { buffer, length in
            unsafe HMAC(digest, key, keyLength, bytes, bytes.count, buffer, length) != nil
        }
    }

    private var digest: OpaquePointer? {
        switch self {
        case .sha256: unsafe EVP_sha256()
        case .sha512: unsafe EVP_sha512()
        case .sha1: unsafe EVP_sha1()
        }
    }

    /// What `write` puts into a buffer of this length. It fails only where memory or the algorithm is
    /// missing, as SHA-1 where a policy of the system forbids it; what is returned then is empty, and
    /// equals nothing.
    private func filled(
        _ write: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>) -> Bool
    ) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            var length: UInt32 = 0
            let isWritten = unsafe write(buffer.baseAddress, &length)
            count = isWritten && length == byteCount ? byteCount : 0
        }
    }
}

/// Compares all bytes whatever the first ones say, so that time tells nothing about them. Nothing is
/// equal to no bytes at all.
package func areEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count, !left.isEmpty else { return false }
    return unsafe CRYPTO_memcmp(left, right, left.count) == 0
}
