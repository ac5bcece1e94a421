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
    public static let presets: [String: SignatureScheme] = [
        "github": github, "shopify": shopify, "standard": standard, "stripe": stripe,
        "svix": svix,
    ]

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
            kept: ["webhook-*", "\(prefix)-*"])
    }
}
