import Tasq
import Testing

@testable import TasqWebhooks

@Suite struct PayloadValueTests {
    private func has(_ value: String, _ body: String) throws -> Bool {
        try PayloadValue(value, field: "payload").matches(Payload(Array(body.utf8)))
    }

    @Test(arguments: [
        ("/order/id=42", #"{"order":{"id":42}}"#), ("/order/id=42", #"{"order":{"id":"42"}}"#),
        ("/a=", #"{"a":""}"#), ("/a=b=c", #"{"a":"b=c"}"#), ("/a/1=y", #"{"a":["x","y"]}"#),
        ("/a~1b=true", #"{"a/b":true}"#), ("=7", "7"), ("/a=é\n", #"{"a":"\u00e9\n"}"#),
    ])
    func `A body that has the value at its place matches`(value: String, body: String) throws {
        #expect(try has(value, body))
    }

    @Test(arguments: [
        ("/order/id=42", #"{"order":{"id":421}}"#), ("/order/id=42", #"{"id":42}"#),
        ("/a=1", #"{"a":1.0}"#), ("/a=null", #"{"a":null}"#), ("/a=x", "x"), ("/a=x", ""),
        ("/a=X", #"{"a":"x"}"#), ("/a=\u{E9}", #"{"a":"e\u0301"}"#), ("/a=x", #"{"a":"x""#),
    ])
    func `Any other body does not`(value: String, body: String) throws {
        #expect(try !has(value, body))
    }

    @Test func `Of a form the JSON in it is looked at`() throws {
        let form = Payload(
            Array("payload=%7B%22a%22%3A%22b%20c%22%7D".utf8),
            contentType: "application/x-www-form-urlencoded", headers: [Payload.form("payload")])
        #expect(try PayloadValue("/a=b c", field: "payload").matches(form))
    }

    @Test(arguments: [
        ("order=42", "must be a JSON pointer"), ("/a", "must be a JSON pointer, = and a value"),
        ("", "must be a JSON pointer, = and a value"), ("/a~=1", "must write ~ as ~0"),
        ("/a=\u{0}", "must have a value"), ("$.a=1", "must be a JSON pointer"),
        ("/a=" + String(repeating: "x", count: 1001), "must have a value"),
        ("/" + String(repeating: "x", count: 1001) + "=1", "must be a JSON pointer"),
        (String(repeating: "/x", count: 129) + "=1", "must have at most"),
    ])
    func `A path that is no pointer is refused by name`(value: String, rule: String) {
        let error = #expect(throws: InvalidInput.self) {
            try PayloadValue(value, field: "--payload")
        }
        #expect(error?.field == "--payload")
        #expect(error?.rule.hasPrefix(rule) == true, "\(error?.rule ?? "")")
    }
}
