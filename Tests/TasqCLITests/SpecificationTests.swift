import Foundation
import Testing
import Yams

/// `openapi.yaml` as a program reads it; a validator judges all of it in the long tests.
struct SpecificationTests {
    @Test func `The specification refers to what is there, and names each operation once`()
        throws
    {
        let path = packageRoot + "/Sources/TasqHTTP/OpenAPI/openapi.yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let root = try #require(try Yams.compose(yaml: text))
        let references = values(of: "$ref", in: root)
        #expect(references.count > 100)
        for reference in Set(references) {
            #expect(find(reference, in: root) != nil, "\(reference)")
        }
        #expect(find("#/components/schemas/Nothing", in: root) == nil)
        let operations = values(of: "operationId", in: root)
        #expect(operations.count > 30)
        #expect(Set(operations).count == operations.count, "\(operations)")
    }

    /// The texts that stand under this key, wherever it is.
    private func values(of key: String, in node: Node) -> [String] {
        switch node {
        case .mapping(let mapping):
            mapping.flatMap { pair -> [String] in
                guard pair.key.string == key, let text = pair.value.string else {
                    return values(of: key, in: pair.value)
                }
                return [text]
            }
        case .sequence(let sequence): sequence.flatMap { values(of: key, in: $0) }
        case .scalar, .alias: []
        }
    }

    /// What a reference within the document names.
    private func find(_ reference: String, in root: Node) -> Node? {
        guard reference.hasPrefix("#/") else { return nil }
        var node: Node? = root
        for part in reference.dropFirst(2).split(separator: "/") {
            node = node?.mapping?[String(part)]
        }
        return node
    }
}
