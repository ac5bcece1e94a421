import Tasq
import TasqWebhooks
import Testing

@Suite struct LocationTests {
    @Test func `A header is found in any case, unless it is repeated or empty`() throws {
        let location = try Location("header:X-Event-ID", field: "id")
        #expect(location.value(in: sampleRequest(["x-event-id": " e 1 "])) == "e 1")
        #expect(location.value(in: sampleRequest(["X-EVENT-ID": "e", "X-Event-Id": "e"])) == nil)
        #expect(location.value(in: sampleRequest(["X-Event-ID": " "])) == nil)
        #expect(location.value(in: sampleRequest([:])) == nil)
    }

    @Test func `A place in the body is found by its pointer`() throws {
        #expect(try Location("body:/id", field: "id").value(in: sampleRequest([:])) == "evt_1")
        #expect(
            try Location("body:/id", field: "id")
                .value(in: sampleRequest([:], body: Array(#"{"id":""}"#.utf8))) == nil)
    }

    @Test(arguments: [
        "", "id", "header:", "header:a b", "header:a\r\nb", "header:é", "Header:X", "query:id",
        "body:id", "body:/~", "header:\(String(repeating: "x", count: 101))",
    ])
    func `What is no location is refused by the name of its field`(text: String) {
        let error = #expect(throws: InvalidInput.self) {
            try Location(text, field: "sources.erp.id")
        }
        #expect(error?.field == "sources.erp.id")
    }

    @Test(arguments: ["header:x-id", "body:/a~1b/0", "body:"])
    func `A location prints as it is read`(text: String) throws {
        #expect(try Location(text, field: "id").description == text)
    }
}
