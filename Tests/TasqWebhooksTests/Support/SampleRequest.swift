import Tasq
import TasqWebhooks

/// The body under every signature vector: 48 bytes, one of them part of an escape.
let sampleBody = SignaturePreset.Example.commonBody

/// The time the vectors were signed at.
let sampleTime = SignaturePreset.Example.time

/// A request with the sample body unless told otherwise.
func sampleRequest(
    _ headers: KeyValuePairs<String, String>, body: [UInt8] = sampleBody
) -> WebhookRequest {
    WebhookRequest(
        path: "/in/sample", headers: headers.map { Payload.Header(name: $0.key, value: $0.value) },
        body: body)
}

/// A source that makes jobs of kind `sample`.
func sampleSource(
    _ scheme: SignatureScheme, _ secrets: String..., tolerance: Duration? = nil,
    id: Location? = nil, key: Location? = nil
) throws -> WebhookSource {
    try WebhookSource(
        name: Name("sample"), scheme: scheme, secrets: secrets, tolerance: tolerance, id: id,
        routing: WebhookRouting(JobTemplate(kind: Name("sample"), key: key)))
}

extension WebhookSource {
    /// The refusal of a request; `nil` when it is accepted.
    func refusal(of request: WebhookRequest, now: Timestamp = sampleTime) -> Refusal? {
        switch verify(request, now: now) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }
}

/// Generic scheme of the interface's `erp` example.
func erpScheme() throws -> SignatureScheme {
    try SignatureScheme(
        hmac: "sha512", header: "X-Erp-Signature", encoding: "base64",
        sign: "{timestamp}.{body}", timestamp: "header:X-Erp-Time")
}

/// A request with the sample body unless told otherwise, signed as GitHub would with `It is a secret`.
func githubRequest(
    _ headers: KeyValuePairs<String, String>, body: [UInt8] = sampleBody
) throws -> WebhookRequest {
    let proof = try WebhookSigner(scheme: .github, secret: "It is a secret")
        .headers(for: body, id: "unused", at: sampleTime)
        .filter { $0.name == "x-hub-signature-256" }
    return WebhookRequest(
        headers: proof + headers.map { Payload.Header(name: $0.key, value: $0.value) }, body: body)
}
