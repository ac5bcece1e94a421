import Tasq
import TasqWebhooks
import Testing

/// Every signature here was made by openssl over `sampleBody`, saved as `b.json`.
@Suite struct SignatureVectorTests {
    @Test(arguments: SignaturePreset.all)
    func `A preset takes what something else has signed, and not with another body`(
        preset: SignaturePreset
    ) throws {
        let example = preset.example
        let source = try sampleSource(preset.scheme, example.secret)
        let request = sampleRequest(example.headers, body: example.body)
        let event = try source.verify(request, now: sampleTime).get()
        #expect(event.providerID == example.id)
        #expect(event.type == example.type)
        let other = sampleRequest(example.headers, body: example.body + Array(" ".utf8))
        #expect(source.refusal(of: other) == .wrongSignature)
    }

    @Test func `github: the SHA-1 header is never enough`() throws {
        // openssl dgst -sha1 -hmac 'old secret' b.json
        let source = try sampleSource(.github, "old secret")
        let digest = "1dedcb6fa0e4980acf9ebdfe95a4bd9fd2b443a9"
        #expect(
            source.refusal(of: sampleRequest(["X-Hub-Signature": "sha1=\(digest)"]))
                == .missingHeader("x-hub-signature-256"))
        #expect(
            source.refusal(of: sampleRequest(["X-Hub-Signature-256": "sha1=\(digest)"])) != nil)
        #expect(
            source.refusal(of: sampleRequest(["X-Hub-Signature-256": "sha256=\(digest)"])) != nil)
    }

    // (printf 'msg_2k.1700000000.'; cat b.json) | openssl dgst -sha256 -mac HMAC
    //     -macopt hexkey:$(printf 'tasq-test-key-of-32-bytes-long!!' | xxd -p -c 100) -binary | base64
    static let standardSignature = "v1,E7eWfOYqOzY6wnwwk8Ar6QIpzKmBw1FZV1/drppouH8="
    // printf 'tasq-test-key-of-32-bytes-long!!' | base64
    static let standardSecret = "dGFzcS10ZXN0LWtleS1vZi0zMi1ieXRlcy1sb25nISE="

    @Test(arguments: ["whsec_" + standardSecret, standardSecret])
    func `standard: base64 HMAC of id, time and body under the decoded secret`(
        secret: String
    ) throws {
        let request = sampleRequest([
            "webhook-id": "msg_2k", "webhook-timestamp": "1700000000",
            "webhook-signature": Self.standardSignature,
        ])
        let event = try sampleSource(.standard, secret).verify(request, now: sampleTime).get()
        #expect(event.providerID == "msg_2k")
        #expect(event.type == "push")
    }

    @Test func `stripe: the items may come in any order, and v0 is no proof`() throws {
        // (printf '1700000000.'; cat b.json) | openssl dgst -sha256 -hmac 'whsec_stripeRaw'
        let digest = "0e2a8d2890d43aee0fd612060bfe9df0e513a525327b384a5c99a6885de5ff0b"
        let source = try sampleSource(.stripe, "whsec_stripeRaw")
        #expect(
            source.refusal(
                of: sampleRequest(["Stripe-Signature": "v1=\(digest), v1=00,t=1700000000"]))
                == nil)
        #expect(
            source.refusal(of: sampleRequest(["Stripe-Signature": "t=1700000000,v0=\(digest)"]))
                != nil)
    }

    @Test func `hmac: base64 HMAC-SHA512 of time and body`() throws {
        // (printf '1700000000.'; cat b.json) | openssl dgst -sha512 -hmac 'erp secret' -binary | base64
        let signature =
            "xn+wETO7jfcDIhrEEdiMXzZ8AtBFuoqdPw25dFu72dTJusIkmYNiqkqo9OtLSPTvOhVOJ71D6VJ+9OrVKlbKCA=="
        let source = try sampleSource(
            erpScheme(), "erp secret", id: Location("body:/id", field: "id"))
        let event = try source.verify(
            sampleRequest(["X-Erp-Signature": signature, "X-Erp-Time": "1700000000"]),
            now: sampleTime
        ).get()
        #expect(event.providerID == "evt_1")
        #expect(event.type == nil)
        #expect(
            source.refusal(
                of: sampleRequest(["X-Erp-Signature": signature, "X-Erp-Time": "1700000001"]))
                == .wrongSignature)
    }

    @Test func `hmac: hex HMAC-SHA1 with a prefix`() throws {
        // openssl dgst -sha1 -hmac 'old secret' b.json
        let scheme = try SignatureScheme(hmac: "sha1", header: "X-Old", prefix: "sha1=")
        let source = try sampleSource(scheme, "old secret")
        let digest = "1dedcb6fa0e4980acf9ebdfe95a4bd9fd2b443a9"
        #expect(source.refusal(of: sampleRequest(["X-Old": "sha1=\(digest)"])) == nil)
        #expect(source.refusal(of: sampleRequest(["X-Old": digest])) != nil)
    }

    @Test func `hmac: method and path with its query before the body`() throws {
        // (printf 'POST:/in/sample?tenant=7:'; cat b.json) | openssl dgst -sha256 -hmac 'erp secret'
        let digest = "27e14d26a18947528ccaa6bf72c5ac6aa0374e991698beda162e476cfee8f502"
        let scheme = try SignatureScheme(
            hmac: "sha256", header: "X-Erp", sign: "{method}:{path}:{body}")
        let source = try sampleSource(scheme, "erp secret")
        let headers = [Payload.Header(name: "X-Erp", value: digest)]
        let refusals = [
            ("POST", "/in/sample?tenant=7"), ("PUT", "/in/sample?tenant=7"),
            ("POST", "/in/sample?tenant=8"), ("POST", "/in/sample"),
        ].map { method, path in
            source.refusal(
                of: WebhookRequest(method: method, path: path, headers: headers, body: sampleBody))
        }
        #expect(refusals == [nil, .wrongSignature, .wrongSignature, .wrongSignature])
        let made = try WebhookSigner(scheme: scheme, secret: "erp secret").headers(
            for: sampleBody, id: "", at: sampleTime, path: "/in/sample?tenant=7")
        #expect(made.map(\.value) == [digest])
    }

    @Test(arguments: ["standard", "svix", "stripe"])
    func `Several secrets sign in one header, and whoever has one of them verifies`(
        preset: String
    ) throws {
        let secrets = ["bmV3IG5ldyBuZXcgbmV3", "b2xkIG9sZCBvbGQgb2xk"]
        let scheme = try #require(SignatureScheme.named(preset))
        let headers = try WebhookSigner(scheme: scheme, secrets: secrets).headers(
            for: sampleBody, id: "a", at: sampleTime)
        let proof = try #require(headers.last?.value)
        #expect(!proof.contains("  ") && proof.trimmingPrefix(while: \.isWhitespace) == proof)
        for secret in secrets {
            let request = WebhookRequest(path: "/in/sample", headers: headers, body: sampleBody)
            #expect(try sampleSource(scheme, secret).refusal(of: request) == nil)
        }
        let stranger = try sampleSource(scheme, "c3RyYW5nZSBzdHJhbmdl")
        let request = WebhookRequest(path: "/in/sample", headers: headers, body: sampleBody)
        #expect(stranger.refusal(of: request) == .wrongSignature)
    }

    @Test(arguments: [("github", 2), ("standard", 0), ("standard", 5)])
    func `A header with one place takes one signature, and none takes none or many`(
        preset: String, count: Int
    ) throws {
        let scheme = try #require(SignatureScheme.named(preset))
        let secrets = [String](repeating: "bmV3IG5ldyBuZXcgbmV3", count: count)
        #expect(throws: InvalidInput.self) { try WebhookSigner(scheme: scheme, secrets: secrets) }
    }
}
