import NIOHTTP1
import Tasq

/// `/openapi.yaml`: the admin listener described in OpenAPI 3.1, as written in OpenAPI/openapi.yaml.
struct SpecificationRoute: Sendable {
    static let document = Array(EmbeddedFile.text("TasqHTTP/OpenAPI/openapi.yaml").utf8)

    var routes: [Route] {
        [
            Route("GET", "/openapi.yaml", .read) { _, _ in
                Answer(status: .ok, contentType: "application/yaml", body: Self.document)
            }
        ]
    }
}
