import Tasq
import TasqWebhooks
import Testing

@Suite struct HTTPTargetTests {
    @Test(arguments: [
        "https://example.com/hook?token=1", "http://example.com", "HTTPS://Example.COM:8443/",
        "http://8.8.8.8/", "http://[2606:4700::1111]:8080/x", "http://xn--bcher-kva.example/",
    ])
    func `A public URL is taken`(url: String) throws {
        let target = try HTTPTarget(url: url)
        #expect(!target.origin.contains("token"))
        // Nothing is connected to but the host that stands there and was judged.
        #expect(url.contains(target.request.origin.host))
    }

    @Test(arguments: [
        ("https://example.com/hook/a?token=1", "https://example.com:443/hook/a"),
        ("http://example.com", "http://example.com:80"),
        ("http://example.com/?token=1", "http://example.com:80"),
        ("http://example.com/a%20b//c/", "http://example.com:80/a%20b//c/"),
        ("http://[2606:4700::1111]:8080/x", "http://[2606:4700::1111]:8080/x"),
        ("http://example.com/T02/B1/x7Qp2mVb9LkTz4RwYc8N", "http://example.com:80/T02/B1/***"),
        ("http://example.com/bot1234567890:AAE-token/send", "http://example.com:80/***/send"),
        ("http://e.com/xyQpZmVbdLkTzvRwYcfN", "http://e.com:80/***"),
        ("http://e.com/20241105083000112233", "http://e.com:80/***"),
        ("http://e.com/v2/a-long-name-in-words", "http://e.com:80/v2/a-long-name-in-words"),
    ])
    func `Reasons show the path, without the query and what may be a token`(
        url: String, shown: String
    ) throws {
        #expect(try HTTPTarget(url: url).shown == shown)
        let long = try HTTPTarget(url: "http://example.com/" + String(repeating: "x/", count: 900))
        #expect(long.shown.hasSuffix("/x…") && long.shown.count < 250)
    }

    @Test(arguments: [
        "", "example.com", "/hook", "//example.com", "ftp://example.com/", "file:///etc/passwd",
        "gopher://example.com", "unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/",
        "http://", "http:///x", "http://a b/", "http://exa\u{0}mple.com",
        "http://b\u{FC}cher.example",
        "http://example.com\\@10.0.0.1/", "http://example.com:0/", "http://example.com:65536/",
        "http://example.com:99999999999999999999/", "http://127.1/", "http://2130706433/",
        "http://0x7f000001/", "http://0177.0.0.1/", "http://127.0.0.1./", "http://[::1%25lo]:x/",
        "http://[1.2.3.4]/", "http://%31%32%37.0.0.1/", "http://8.8.8.8:/", "http://8.8.8.8:080/",
        "http://8.8.8.8%2f@x/", "http://.example.com/", "http://a..b/",
        "http://example.com/" + String(repeating: "x", count: 2000),
    ])
    func `What is no http URL of a host is refused`(url: String) {
        #expect(throws: InvalidInput.self) { try HTTPTarget(url: url) }
    }

    @Test(arguments: [
        "http://user@example.com/", "http://user:hunter2@example.com/",
        "http://:hunter2@example.com/",
    ])
    func `A password in a URL is refused and not repeated`(url: String) {
        let error = #expect(throws: InvalidInput.self) { try HTTPTarget(url: url) }
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.contains("header") == true)
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]", "0.0.0.0",
    ])
    func `A literal address that is not public is refused with its mend`(host: String) throws {
        let error = #expect(throws: InvalidInput.self) {
            try HTTPTarget(url: "http://\(host):9000/hook", field: "handlers.ci.http")
        }
        #expect(error?.field == "handlers.ci.http.url")
        #expect(error?.rule.contains("target_forbidden") == true)
        #expect(error?.rule.contains("allow: [") == true)
    }

    @Test func `An allowed address is taken`() throws {
        _ = try HTTPTarget(url: "http://127.0.0.1:9000/hook", allow: ["127.0.0.0/8"])
        _ = try HTTPTarget(url: "http://[::1]:9000/hook", allow: ["::1"])
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(3601)])
    func `A timeout outside its limits is refused`(timeout: Duration) {
        #expect(throws: InvalidInput.self) {
            try HTTPTarget(url: "http://example.com", timeout: timeout)
        }
    }

    @Test(arguments: [
        ("Host", "x"), ("content-length", "1"), ("Transfer-Encoding", "chunked"),
        ("Tasq-Claim", "x"), ("Webhook-Id", "x"), ("X-A\r\nX-B", "x"), ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\u{0}"), ("", "x"), ("X-A", String(repeating: "x", count: 4097)),
    ])
    func `A header that frames, forges or injects is refused`(name: String, value: String) {
        #expect(throws: InvalidInput.self) {
            try HTTPTarget(
                url: "http://example.com", headers: [Payload.Header(name: name, value: value)])
        }
    }

    @Test func `Printing a target shows neither headers nor path`() throws {
        let target = try HTTPTarget(
            url: "https://example.com/hush", signingSecrets: ["c2VjcmV0"],
            headers: [Payload.Header(name: "Authorization", value: "Bearer hush")])
        var text = "\(target) \(String(reflecting: target))"
        dump(target, to: &text)
        #expect(!text.contains("hush"))
        #expect(text.contains("https://example.com:443"))
    }

    @Test func `An empty signing secret is refused`() {
        #expect(throws: InvalidInput.self) {
            try HTTPTarget(url: "http://example.com", signingSecrets: ["c2VjcmV0", ""])
        }
    }
}
