import Tasq
import TasqWebhooks
import TestSizes
import Testing

@Suite struct WebhookSourceTests {
    @Test(arguments: [
        [], [""], ["  "], ["\n"], ["good secret", ""], [" padded"], ["padded\n"],
        Array(repeating: "s", count: 9),
    ])
    func `A secret that would verify anything stops the start and is named, not shown`(
        secrets: [String]
    ) throws {
        let error = try #require(throws: InvalidInput.self) {
            try WebhookSource(
                name: Name("erp"), scheme: .github, secrets: secrets,
                routing: WebhookRouting(JobTemplate(kind: Name("erp"))))
        }
        #expect(error.field.hasPrefix("sources.erp.secrets"))
        #expect(!error.description.contains("padded"))
    }

    @Test(arguments: ["whsec_", "whsec_***", "not base64 at all", "whsec_AAAAA"])
    func `A secret that is no base64 is refused by schemes that decode it`(secret: String) {
        let error = #expect(throws: InvalidInput.self) {
            try sampleSource(.standard, secret)
        }
        #expect(error?.description.contains(secret.dropFirst(6)) != true || secret == "whsec_")
    }

    @Test func `Printing a source shows no byte of its secrets`() throws {
        let source = try sampleSource(.github, "very secret")
        var text = "\(source)"
        dump(source, to: &text)
        let bytes = Array("very secret".utf8).prefix(4).map(String.init).joined(separator: ", ")
        #expect(!text.contains("very secret"))
        #expect(!text.contains(bytes))
    }

    @Test func `A tolerance needs a timestamp and limits`() throws {
        #expect(throws: InvalidInput.self) {
            try sampleSource(.github, "s", tolerance: .seconds(60))
        }
        #expect(throws: InvalidInput.self) {
            try sampleSource(.stripe, "s", tolerance: .zero)
        }
        #expect(throws: InvalidInput.self) {
            try sampleSource(.stripe, "s", tolerance: .seconds(86_401))
        }
    }

    @Test(arguments: [0, 199, 300, 404])
    func `Only a success status can be configured`(status: Int) {
        #expect(throws: InvalidInput.self) {
            try WebhookSource(
                name: Name("erp"), scheme: .github, secrets: ["s"],
                routing: WebhookRouting(JobTemplate(kind: Name("erp"))), respond: status)
        }
    }

    @Test func `An event keeps body, type and a few headers, never the proof or a credential`()
        throws
    {
        let request = signed(
            body: sampleBody,
            [
                "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/1",
                "X-GitHub-Delivery": "d-1", "X-GitHub-Event": "push", "X-GitHub-Hook-ID": "7",
                "Authorization": "Bearer x", "Cookie": "a=b", "X-Hub-Signature": "sha1=00",
                "X-Forwarded-For": "10.0.0.1", "X-GitHub-Token": "t", "Webhook-Signature": "v1,x",
                "X-GitHub-Bad": "a\u{0}b", "X-GitHub-Long": String(repeating: "x", count: 1025),
            ])
        let event = try source(key: "body:/id").verify(request).get().newEvent()
        #expect(event.payload.body == sampleBody)
        #expect(event.payload.contentType == "application/json")
        #expect(
            event.payload.headers.map(\.name) == [
                "user-agent", "x-github-delivery", "x-github-event", "x-github-hook-id",
            ])
        #expect(event.source.description == "sample")
        #expect(event.providerID == "d-1")
        #expect(event.jobs.map(\.kind.description) == ["sample"])
        #expect(event.jobs.first?.key == "evt_1")
    }

    @Test func `At most thirty-two headers are kept`() throws {
        let headers = (0..<200).map { Payload.Header(name: "X-GitHub-\($0)", value: "v") }
        let request = WebhookRequest(
            headers: signed(body: [], [:]).headers + headers, body: [])
        #expect(try source().verify(request).get().newEvent().payload.headers.count == 32)
    }

    @Test(
        arguments: [
            Array(#"{"a":"\u0000"}"#.utf8), [0xFF, 0xFE, 0x00],
            Array(repeating: 0x5B, count: 65_536),
            Array(#"{"a":1e400,"a":2}"#.utf8), [],
            Array("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--".utf8),
            Array("a=1&a=2&a=3".utf8), Array("<?xml version=\"1.0\"?><a/>".utf8),
        ].map(Long.init))
    func `A body that is no JSON is kept byte for byte`(long: Long<[UInt8]>) throws {
        let body = long.value
        let event = try source(key: "body:/a/b").verify(signed(body: body, [:])).get().newEvent()
        #expect(event.payload.body == body)
        #expect(event.payload.contentType == "application/octet-stream")
        #expect(event.providerID == nil)
        #expect(event.jobs.first?.key == nil)
    }

    @Test func `An id or key that no column takes stands as its hash`() throws {
        let long = String(repeating: "x", count: 201)
        let body = Array(#"{"a":"x\u0000y"}"#.utf8)
        let request = signed(body: body, ["X-GitHub-Delivery": long])
        let event = try source(key: "body:/a").verify(request).get().newEvent()
        // printf 'x%.0s' $(seq 201) | sha256sum
        #expect(
            event.providerID
                == "sha256:84a0678c90937f5dcf9994d5866668da6b995109c8ad845410559b48a4ecafed")
        // printf 'x\0y' | sha256sum
        #expect(
            event.jobs.first?.key
                == "sha256:ce3890a816f5237a17aa7e1436113bbac398dfe216cf965537cd035bdbad900a")
        #expect(event.providerID != event.jobs.first?.key)
    }

    @Test func `A repeated delivery header names an id where all say the same`() throws {
        let same = signed(
            body: sampleBody, ["X-GitHub-Delivery": "a", "x-github-delivery": " a"])
        #expect(try source().verify(same).get().providerID == "a")
        // One letter in two spellings, which are equal as strings.
        for (one, other) in [("a", "b"), ("a", ""), ("\u{E9}", "e\u{301}")] {
            let different = signed(
                body: sampleBody, ["X-GitHub-Delivery": one, "x-github-delivery": other])
            #expect(
                try source().refusal(of: different)
                    == .ambiguousID(
                        "x-github-delivery",
                        "names the event and must not be there twice with different values"))
        }
    }

    @Test func `An id that had bytes which are no UTF-8 is refused by its header`() throws {
        let request = signed(body: sampleBody, ["X-GitHub-Delivery": "a\u{FFFD}"])
        let refusal = try source().refusal(of: request)
        #expect(
            refusal?.description
                == "header x-github-delivery names the event and must be UTF-8 without U+FFFD")
    }

    @Test func `A body over the limit makes no event`() throws {
        let body = [UInt8](repeating: 0x20, count: JobLimits.payloadBytes + 1)
        let event = try source().verify(signed(body: body, [:])).get()
        #expect(throws: InvalidInput.self) { try event.newEvent() }
    }

    private func source(key: String? = nil) throws -> WebhookSource {
        try sampleSource(
            .github, "It is a secret", key: key.map { try Location($0, field: "key") })
    }

    private func signed(
        body: [UInt8], _ headers: KeyValuePairs<String, String>
    ) -> WebhookRequest {
        let proof =
            (try? WebhookSigner(scheme: .github, secret: "It is a secret"))?
            .headers(for: body, id: "unused", at: sampleTime)
            .filter { $0.name == "x-hub-signature-256" } ?? []
        return WebhookRequest(
            headers: proof + headers.map { Payload.Header(name: $0.key, value: $0.value) },
            body: body)
    }
}
