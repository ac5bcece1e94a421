import Tasq
import TasqWebhooks
import Testing

/// Kinds with the event's type in them.
@Suite struct KindTemplateTests {
    private static let kinds: [(String, String?, String)] = [
        ("github", "push", "github"), ("github", nil, "github"),
        ("github.{type}", "push", "github.push"), ("a:{type}:b", "x", "a:x:b"),
        ("shop.{type}", "orders/create", "shop.orders_create"),
        ("h.{type}", "Push Hook", "h.Push_Hook"), ("h.{type}", "\u{E9}", "h.__"),
        ("h.{type}", "{type}", "h._type_"), ("h.{type}", "*", "h._"),
        ("h.{type}", nil, "h.other"), ("h.{type}", "", "h.other"), ("h.{type}.b", nil, "h.other.b"),
        ("h.{type}", String(repeating: "x", count: 98), "h." + String(repeating: "x", count: 98)),
        ("h.{type}", String(repeating: "x", count: 99), "h.other"),
        ("h.{type}", String(repeating: "\u{E9}", count: 50), "h.other"),
    ]

    @Test(arguments: kinds)
    func `The type stands in the kind, and other for one that does not fit`(
        text: String, type: String?, kind: String
    ) throws {
        let template = try KindTemplate(text)
        #expect(template.kind(for: type).description == kind)
        #expect(template.description == text)
        #expect(template.lacksType(type) == (template.isByType && kind.contains("other")))
    }

    @Test(arguments: [
        "", "a b", "{type}", "{type}.a", "a.{type}.{type}", "a.{typ}", "a.{type", "a{}",
        "a{Type}", "a/{type}", String(repeating: "a", count: 96) + "{type}",
        String(repeating: "a", count: 101),
    ])
    func `A text that makes no kind, or every kind, is refused`(text: String) {
        let error = #expect(throws: InvalidInput.self) { try KindTemplate(text, field: "kind") }
        #expect(error?.field == "kind")
    }

    @Test func `Whatever the type holds, the kind is a name`() throws {
        var random = SeededGenerator(seed: 15)
        let template = try KindTemplate("source.{type}")
        for _ in 0..<2000 {
            let count = Int.random(in: 0...120, using: &random)
            let scalars = (0..<count).compactMap { _ in
                UnicodeScalar(UInt32.random(in: 0...0x2_FFFF, using: &random))
            }
            let type = String(String.UnicodeScalarView(scalars))
            let kind = template.kind(for: type).description
            #expect(throws: Never.self) { try Name(kind) }
            #expect(kind.hasPrefix("source."))
        }
    }
}
