import Tasq
import TasqWebhooks
import TestSizes
import Testing

@Suite struct HostileSignatureTests {
    static let githubDigest = "7967e6181b6cfabcb38c4713c8973b2e1c421db926fa2d03c7990910493f387a"

    private func github() throws -> WebhookSource {
        try sampleSource(.github, "It is a secret")
    }

    @Test func `Every single-bit corruption of a signature is refused`() throws {
        let source = try github()
        for index in Self.githubDigest.utf8.indices {
            for digit in "0123456789abcdef".utf8 where digit != Self.githubDigest.utf8[index] {
                var digits = Array(Self.githubDigest.utf8)
                digits[
                    Self.githubDigest.utf8.distance(from: Self.githubDigest.startIndex, to: index)] =
                    digit
                let header = "sha256=" + String(decoding: digits, as: UTF8.self)
                #expect(
                    source.refusal(of: sampleRequest(["X-Hub-Signature-256": header]))
                        == .wrongSignature)
            }
        }
    }

    @Test(
        arguments: [
            "", "sha256=", "sha256", "=", "sha256=zz", "sha256=\(githubDigest)0",
            "sha256=\(githubDigest.dropLast())", "sha256=\(githubDigest.dropLast(2))",
            "SHA256=\(githubDigest)", githubDigest, "sha256=\(githubDigest),\(githubDigest)",
            "sha256=\u{661}\(githubDigest.dropFirst())", "sha256=\u{0}", "\u{FFFD}",
            String(repeating: "sha256=", count: 8000),
        ].map(Long.init))
    func `A header that is no signature is refused`(header: Long<String>) throws {
        let request = sampleRequest(["X-Hub-Signature-256": header.value])
        let refusal = try github().refusal(of: request)
        #expect(refusal != nil)
        #expect(refusal != .wrongSignature)
    }

    @Test(arguments: [
        sampleBody + [0x0A], sampleBody + [0x0D, 0x0A], [0xEF, 0xBB, 0xBF] + sampleBody,
        Array(sampleBody.dropLast()), [],
        Array(#"{"id": "evt_1", "type": "push", "note": "héllo"}"#.utf8),
    ])
    func `A body that differs by one byte is refused`(body: [UInt8]) throws {
        let request = sampleRequest(
            ["X-Hub-Signature-256": "sha256=\(Self.githubDigest)"], body: body)
        #expect(try github().refusal(of: request) == .wrongSignature)
    }

    @Test func `A repeated signature header is refused even when both are right`() throws {
        let right = "sha256=\(Self.githubDigest)"
        let request = sampleRequest(["X-Hub-Signature-256": right, "x-hub-signature-256": right])
        #expect(try github().refusal(of: request) == .repeatedHeader("x-hub-signature-256"))
    }

    @Test func `Blanks around a signature do no harm`() throws {
        let request = sampleRequest(["X-Hub-Signature-256": " \tsha256=\(Self.githubDigest)\t "])
        #expect(try github().refusal(of: request) == nil)
    }

    @Test func `A genuine signature over the largest timestamp is stale`() throws {
        // (printf '9223372036854775807.'; cat b.json) | openssl dgst -sha256 -hmac 'whsec_stripeRaw'
        let digest = "a03778c665717a2823914c8a08f125194c997716f4634b72390551db4f1ba541"
        let source = try sampleSource(.stripe, "whsec_stripeRaw")
        let request = sampleRequest(["Stripe-Signature": "t=9223372036854775807,v1=\(digest)"])
        for now in [Int64.min, -1, 0, sampleTime.microseconds, Int64.max] {
            let refusal = source.refusal(of: request, now: Timestamp(microseconds: now))
            guard case .staleTimestamp = refusal else {
                Issue.record("expected stale, got \(String(describing: refusal))")
                continue
            }
        }
    }

    @Test(arguments: [
        "", "-1700000000", "+1700000000", " ", "1e9", "1.7e9", "0x6553f100", "1700000000.0",
        "\u{661}\u{667}00000000", "17000000001700000000", "99999999999999999999999",
        "Infinity", "NaN", "1700000000,",
    ])
    func `A timestamp that is not digits is refused, however well it is signed`(
        text: String
    ) throws {
        let signer = try SigningWithAnyTimestamp(secret: "erp secret")
        let source = try sampleSource(erpScheme(), "erp secret")
        let refusal = source.refusal(of: signer.request(timestamp: text))
        #expect(refusal == .malformedTimestamp || refusal == .missingHeader("x-erp-time"))
    }

    @Test func `A timestamp counts within the tolerance on both sides and not beyond`() throws {
        let source = try sampleSource(erpScheme(), "erp secret", tolerance: .seconds(60))
        let signer = try SigningWithAnyTimestamp(secret: "erp secret")
        for (offset, isAccepted) in [(-61, false), (-60, true), (0, true), (60, true), (61, false)]
        {
            let request = signer.request(timestamp: String(1_700_000_000 + offset))
            #expect((source.refusal(of: request) == nil) == isAccepted, "\(offset)")
        }
        let zeros = signer.request(timestamp: "0001700000000")
        #expect(source.refusal(of: zeros) == nil)
    }

    @Test func `Only the first sixteen items of a header are looked at`() throws {
        let right = SignatureVectorTests.standardSignature
        let source = try sampleSource(.standard, "whsec_" + SignatureVectorTests.standardSecret)
        func refusal(_ items: [String]) -> Refusal? {
            source.refusal(
                of: sampleRequest([
                    "webhook-id": "msg_2k", "webhook-timestamp": "1700000000",
                    "webhook-signature": items.joined(separator: " "),
                ]))
        }
        let wrong = "v1," + String(repeating: "A", count: 43) + "="
        #expect(refusal(Array(repeating: wrong, count: 15) + [right]) == nil)
        #expect(refusal(Array(repeating: wrong, count: 16) + [right]) == .wrongSignature)
        #expect(
            refusal(Array(repeating: wrong, count: 10_000) + [right])
                == .malformedHeader("webhook-signature", "is longer than 8192 bytes"))
    }

    @Test func `A signed header that is missing or repeated is refused`() throws {
        let source = try sampleSource(.standard, "whsec_" + SignatureVectorTests.standardSecret)
        let signature = SignatureVectorTests.standardSignature
        #expect(
            source.refusal(
                of: sampleRequest([
                    "webhook-timestamp": "1700000000", "webhook-signature": signature,
                ])) == .missingHeader("webhook-id"))
        #expect(
            source.refusal(
                of: sampleRequest(["webhook-id": "msg_2k", "webhook-signature": signature]))
                == .missingHeader("webhook-timestamp"))
        #expect(
            source.refusal(
                of: sampleRequest([
                    "webhook-id": "msg_2k", "webhook-id": "msg_2k",
                    "webhook-timestamp": "1700000000", "webhook-signature": signature,
                ])) == .repeatedHeader("webhook-id"))
    }

    @Test func `An id and a time moved across their dots are another message`() throws {
        let source = try sampleSource(.standard, "whsec_" + SignatureVectorTests.standardSecret)
        let request = sampleRequest([
            "webhook-id": "msg_2k.1700000000", "webhook-timestamp": "1700000000",
            "webhook-signature": SignatureVectorTests.standardSignature,
        ])
        #expect(source.refusal(of: request) == .wrongSignature)
    }

    @Test func `Random headers and bodies never trap`() throws {
        let sources = try SignatureScheme.presets.values.map {
            try sampleSource($0, "whsec_" + SignatureVectorTests.standardSecret)
        }
        var random = SeededGenerator(seed: 20_261_123)
        let alphabet = Array("tv01=,. =;\u{0}\t9223372036854775807abcdefAB+/é\u{1F600}")
        for _ in 0..<20_000 {
            let source = sources.randomElement(using: &random) ?? sources[0]
            func text() -> String {
                String(
                    (0..<Int.random(in: 0...60, using: &random)).map { _ in
                        alphabet.randomElement(using: &random) ?? "0"
                    })
            }
            let request = sampleRequest(
                [
                    source.scheme.header: text(), "webhook-id": text(), "svix-id": text(),
                    "webhook-timestamp": text(), "svix-timestamp": text(),
                ], body: Array(text().utf8))
            #expect(source.refusal(of: request) != nil)
        }
    }
}

/// Signs whatever text stands where the timestamp belongs, as a hostile key holder can.
private struct SigningWithAnyTimestamp {
    let key: SigningKey

    init(secret: String) throws {
        key = try SigningKey(secret, form: .raw, field: "secret")
    }

    func request(timestamp: String) -> WebhookRequest {
        let code = key.authenticationCode(
            of: [Array(timestamp.utf8), Array(".".utf8), sampleBody], algorithm: .sha512)
        return sampleRequest([
            "X-Erp-Signature": SignatureScheme.Encoding.base64.encode(code),
            "X-Erp-Time": timestamp,
        ])
    }
}
