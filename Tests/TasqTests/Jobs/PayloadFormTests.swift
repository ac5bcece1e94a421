import Tasq
import Testing

@Suite struct PayloadFormTests {
    @Test(arguments: [
        ("payload=%7B%22a%22%3A1%7D", #"{"a":1}"#), ("a=1&payload=x+y%2Bz&b=2", "x y+z"),
        ("%70ayload=1", "1"), ("payload=%C3%BC%zz%4&", "ü%zz%4"), ("&&payload==&", "="),
        ("payload=1&payload=2", nil), ("payload", nil), ("payload=", nil), ("Payload=1", nil),
        ("", nil), ("&=&", nil), ("payloads=1", nil), ("pa%79load=1%", "1%"),
    ])
    func `A field's value is decoded; none, several or an empty one are none`(
        form: String, value: String?
    ) {
        #expect(formValue(of: "payload", in: Array(form.utf8)) == value.map { Array($0.utf8) })
    }

    @Test func `A form that was stored with its field is handled as the JSON, any other as it is`()
    {
        let form = Payload(
            Array("payload=%5B%5D".utf8), contentType: "application/x-www-form-urlencoded",
            headers: [Payload.Header(name: "a", value: "b"), Payload.form("payload")])
        #expect(
            form.asHandled
                == Payload(Array("[]".utf8), headers: [Payload.Header(name: "a", value: "b")]))
        let other = Payload(Array("payload=%5B%5D".utf8), contentType: "text/plain")
        #expect(other.asHandled == other)
    }
}
