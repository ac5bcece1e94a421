import Tasq
import TasqWebhooks
import Testing

@Suite struct SignatureSchemeTests {
    @Test func `A preset is found by its name only`() {
        #expect(SignatureScheme.named("github") == .github)
        #expect(SignatureScheme.named("standard") == .standard)
        #expect(SignatureScheme.named("GitHub") == nil)
        #expect(SignatureScheme.named("none") == nil)
    }

    @Test(arguments: [
        "", "{timestamp}", "{body}{body}", "{boddy}", "{body", "body}", "{body}{}", "{{body}}",
        "{url}{body}",
    ])
    func `A template without one body or with an unknown placeholder is refused`(sign: String) {
        let error = #expect(throws: InvalidInput.self) {
            try SignatureScheme(hmac: "sha256", header: "X-S", sign: sign, field: "verify")
        }
        #expect(error?.field == "verify.sign")
    }

    @Test func `A template keeps literal text in its place`() throws {
        let template = try SignedTemplate("v0:{timestamp}:{body}é", field: "sign")
        #expect(template.parts == [.text("v0:"), .timestamp, .text(":"), .body, .text("é")])
        let routed = try SignedTemplate("{method} {path}{id}{body}", field: "sign")
        #expect(routed.parts == [.method, .text(" "), .path, .id, .body])
    }

    @Test func `Each wrong part of a generic scheme is named`() {
        func field(_ make: () throws -> SignatureScheme) -> String? {
            do {
                _ = try make()
                return nil
            } catch {
                return (error as? InvalidInput)?.field
            }
        }
        #expect(field { try SignatureScheme(hmac: "md5", header: "X-S") } == "verify.hmac")
        #expect(
            field { try SignatureScheme(hmac: "sha256", header: "X S") } == "verify.header")
        #expect(field { try SignatureScheme(hmac: "sha256", header: "") } == "verify.header")
        #expect(
            field { try SignatureScheme(hmac: "sha256", header: "X-S", encoding: "base32") }
                == "verify.encoding")
        #expect(
            field { try SignatureScheme(hmac: "sha256", header: "X-S", prefix: "a b") }
                == "verify.prefix")
        #expect(
            field {
                try SignatureScheme(hmac: "sha256", header: "X-S", timestamp: "body:/t")
            } == "verify.timestamp")
    }

    @Test func `A timestamp must be both signed and placed, an id placed when signed`() throws {
        #expect(throws: InvalidInput.self) {
            try SignatureScheme(hmac: "sha256", header: "X-S", timestamp: "header:X-T")
        }
        #expect(throws: InvalidInput.self) {
            try SignatureScheme(hmac: "sha256", header: "X-S", sign: "{timestamp}{body}")
        }
        #expect(throws: InvalidInput.self) {
            try SignatureScheme(hmac: "sha256", header: "X-S", sign: "{id}{body}")
        }
        _ = try SignatureScheme(
            hmac: "sha256", header: "X-S", sign: "{id}{body}",
            id: Location("header:X-Id", field: "id"))
    }

    @Test(arguments: SignaturePreset.all)
    func `What a preset signs it verifies, and a second secret does not`(
        preset: SignaturePreset
    ) throws {
        let (scheme, body) = (preset.scheme, preset.example.body)
        #expect(SignatureScheme.named(preset.name) == scheme)
        let secret = "whsec_" + SignatureVectorTests.standardSecret
        let other = "whsec_b3RoZXIta2V5LW9mLTMyLWJ5dGVzLWxvbmchISEhISE="
        let headers = try WebhookSigner(scheme: scheme, secret: secret)
            .headers(for: body, id: "evt_9", at: sampleTime)
        let request = WebhookRequest(headers: headers, body: body)
        #expect(try sampleSource(scheme, secret).refusal(of: request) == nil)
        #expect(try sampleSource(scheme, other).refusal(of: request) == .wrongSignature)
        #expect(try sampleSource(scheme, other, secret).refusal(of: request) == nil)
        // An id that stands in the body is not the signer's to choose.
        let id = scheme.id?.headerName == nil ? preset.example.id : "evt_9"
        #expect(
            try sampleSource(scheme, secret).verify(request, now: sampleTime).get().providerID
                == id)
    }

    @Test func `Codes of unequal bytes or lengths differ`() {
        #expect(!areEqualInConstantTime([], []))
        #expect(areEqualInConstantTime([1, 2], [1, 2]))
        #expect(!areEqualInConstantTime([1, 2], [1, 3]))
        #expect(!areEqualInConstantTime([1, 2], [3, 2]))
        #expect(!areEqualInConstantTime([1, 2], [1]))
    }
}
