import TestSizes
import Testing

@testable import Tasq

struct TraceContextTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test(
        arguments: [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\u{0}",
            String(repeating: "-", count: 55), String(repeating: "0", count: 100_000),
        ].map(Long.init))
    func `What is no traceparent makes no context`(long: Long<String>) {
        let text = long.value
        #expect(TraceContext(parent: text) == nil)
        #expect(TraceContext([Payload.Header(name: "traceparent", value: text)]) == nil)
    }

    @Test(arguments: [
        (["a=1"], "a=1"), (["a=1,b=2", "c=3"], "a=1,b=2,c=3"), ([], nil), ([""], nil),
        (["a=\u{7}"], nil), (["a=ü"], nil), (["a=1\r\nx: y"], nil),
        ([String(repeating: "a", count: 512)], String(repeating: "a", count: 512)),
        ([String(repeating: "a", count: 513)], nil),
    ])
    func `A state that is fit stays, and the parent without it`(texts: [String], state: String?) {
        let headers =
            texts.map { Payload.Header(name: "tracestate", value: $0) }
            + [Payload.Header(name: "traceparent", value: Self.parent)]
        let trace = TraceContext(headers)
        #expect(trace?.parent == Self.parent)
        #expect(trace?.state == state)
    }

    @Test func `Of two parents neither counts, and a payload's own stays`() throws {
        let header = Payload.Header(name: "traceparent", value: Self.parent)
        #expect(TraceContext([header, header]) == nil)
        let own = try #require(TraceContext([header]))
        let other = try #require(
            TraceContext(
                parent: Self.parent.replacing("-01", with: "-00"), state: "a=1"))
        var payload = Payload([])
        payload.carry(nil)
        #expect(payload.headers.isEmpty)
        payload.carry(own)
        payload.carry(other)
        #expect(payload.headers == [header])
    }
}
