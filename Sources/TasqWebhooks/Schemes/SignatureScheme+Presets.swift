extension SignatureScheme {
    /// GitHub: `X-Hub-Signature-256` only; the SHA-1 header beside it is never accepted.
    ///
    /// Unless told otherwise it sends a form, whose field `payload` is the JSON; the form is signed.
    ///
    /// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    public static let github = SignatureScheme(
        header: "x-hub-signature-256", encoding: .hex, label: "sha256=",
        id: Location(.header("x-github-delivery")), type: Location(.header("x-github-event")),
        kept: ["x-github-*"], form: "payload")

    /// Standard Webhooks, symmetric form (`v1`).
    ///
    /// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    public static let standard = standardLike(prefix: "webhook")

    /// Svix: Standard Webhooks under its older header names.
    public static let svix = standardLike(prefix: "svix")

    /// Stripe: the whole secret, `whsec_` included, is the key. What happened stands in the body.
    ///
    /// https://docs.stripe.com/webhooks#verify-manually
    public static let stripe = SignatureScheme(
        header: "stripe-signature", encoding: .hex, separator: ",", label: "v1=",
        signed: SignedTemplate(parts: [.timestamp, .text("."), .body]),
        timestamp: .item(label: "t="),
        id: Location(.body(JSONPointer(member: "id"))),
        type: Location(.body(JSONPointer(member: "type"))))

    /// Shopify: the app's client secret signs the body. Its headers come with `X-` or without.
    ///
    /// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    public static let shopify = SignatureScheme(
        header: "x-shopify-hmac-sha256", encoding: .base64,
        id: Location(.header("x-shopify-webhook-id")),
        type: Location(.header("x-shopify-topic")), respond: 200, family: "shopify-",
        kept: ["x-shopify-*"])

    /// Every preset by the name a configuration calls it.
    public static let presets: [String: SignatureScheme] = Dictionary(
        uniqueKeysWithValues: SignaturePreset.all.map { ($0.name, $0.scheme) })

    /// The preset of this name; `nil` when there is none.
    public static func named(_ preset: String) -> SignatureScheme? {
        presets[preset]
    }

    private static func standardLike(prefix: String) -> SignatureScheme {
        SignatureScheme(
            header: "\(prefix)-signature", encoding: .base64, separator: " ", label: "v1,",
            signed: SignedTemplate(parts: [
                .id, .text("."), .timestamp, .text("."), .body,
            ]),
            timestamp: .header("\(prefix)-timestamp"), keyForm: .standard,
            id: Location(.header("\(prefix)-id")),
            type: Location(.body(JSONPointer(member: "type"))),
            kept: Set(["webhook-*", "\(prefix)-*"]).sorted())
    }
}

extension SignaturePreset {
    /// Every preset, by its name, each with a signature that openssl made.
    package static let all: [SignaturePreset] = [
        // openssl dgst -sha256 -hmac 'It is a secret' b.json
        SignaturePreset(
            name: "github", scheme: .github,
            example: Example(
                secret: "It is a secret",
                headers: [
                    "X-Hub-Signature-256":
                        "sha256=7967e6181b6cfabcb38c4713c8973b2e1c421db926fa2d03c7990910493f387a",
                    "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
                    "X-GitHub-Event": "push",
                ],
                id: "72d3162e-cc78-11e3-81ab-4c9367dc0958", type: "push")),
        // openssl dgst -sha256 -hmac 'shpss_client' -binary b.json | base64
        SignaturePreset(
            name: "shopify", scheme: .shopify,
            example: Example(
                secret: "shpss_client",
                headers: [
                    "X-Shopify-Hmac-SHA256": "n4J+TAqj8lR+Zpqlr0L81L22m3Mhzzh64kr8wNbYg60=",
                    "X-Shopify-Webhook-Id": "b54557e4", "X-Shopify-Topic": "orders/create",
                ],
                id: "b54557e4", type: "orders/create")),
        // (printf 'msg_2k.1700000000.'; cat b.json) | openssl dgst -sha256 -mac HMAC
        //     -macopt hexkey:$(printf 'tasq-test-key-of-32-bytes-long!!' | xxd -p -c 100) -binary
        //     | base64
        SignaturePreset(
            name: "standard", scheme: .standard,
            example: Example(
                secret: "whsec_dGFzcS10ZXN0LWtleS1vZi0zMi1ieXRlcy1sb25nISE=",
                headers: [
                    "webhook-id": "msg_2k", "webhook-timestamp": "1700000000",
                    "webhook-signature": "v1,E7eWfOYqOzY6wnwwk8Ar6QIpzKmBw1FZV1/drppouH8=",
                ],
                id: "msg_2k", type: "push")),
        // (printf '1700000000.'; cat b.json) | openssl dgst -sha256 -hmac 'whsec_stripeRaw'
        SignaturePreset(
            name: "stripe", scheme: .stripe,
            example: Example(
                secret: "whsec_stripeRaw",
                headers: [
                    "Stripe-Signature":
                        "t=1700000000,"
                        + "v1=0e2a8d2890d43aee0fd612060bfe9df0e513a525327b384a5c99a6885de5ff0b,"
                        + "v0=ff"
                ],
                id: "evt_1", type: "push")),
        // As for standard.
        SignaturePreset(
            name: "svix", scheme: .svix,
            example: Example(
                secret: "whsec_dGFzcS10ZXN0LWtleS1vZi0zMi1ieXRlcy1sb25nISE=",
                headers: [
                    "svix-id": "msg_2k", "svix-timestamp": "1700000000",
                    "svix-signature": "v1a,AAAA v1,E7eWfOYqOzY6wnwwk8Ar6QIpzKmBw1FZV1/drppouH8=",
                ],
                id: "msg_2k", type: "push")),
    ]
}
