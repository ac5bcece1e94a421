import TasqWebhooks
import Testing

/// Published vectors: RFC 2202 and RFC 4231, test cases 2 and 6, and FIPS 180-4's "abc".
@Suite struct AlgorithmTests {
    @Test(arguments: [
        (SignatureScheme.Algorithm.sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            .sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
    ])
    func `A code is what the standard says`(
        algorithm: SignatureScheme.Algorithm, code: String
    ) {
        let found = algorithm.authenticationCode(
            of: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(SignatureScheme.Encoding.hex.encode(found) == code)
        #expect(found.count == algorithm.byteCount)
    }

    @Test func `A key longer than a block is hashed first, and an empty one signs nothing`() {
        let data = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        let found = SignatureScheme.Algorithm.sha256.authenticationCode(
            of: data, key: [UInt8](repeating: 0xAA, count: 131))
        #expect(
            SignatureScheme.Encoding.hex.encode(found)
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        for algorithm in SignatureScheme.Algorithm.allCases {
            #expect(algorithm.authenticationCode(of: data, key: []).isEmpty)
            #expect(algorithm.authenticationCode(of: [], key: [1]).count == algorithm.byteCount)
        }
    }

    @Test func `A hash is what the standard says`() {
        let hash = SignatureScheme.Algorithm.sha256.hash(Array("abc".utf8))
        #expect(
            SignatureScheme.Encoding.hex.encode(hash)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        for algorithm in SignatureScheme.Algorithm.allCases {
            #expect(algorithm.hash([]).count == algorithm.byteCount)
        }
    }
}
