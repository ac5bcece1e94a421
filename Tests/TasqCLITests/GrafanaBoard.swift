import Foundation

/// The dashboard for Grafana that stands in `config`, as far as it is asked for.
struct GrafanaBoard: Decodable {
    struct Panel: Decodable {
        struct Target: Decodable { let expr: String }
        let title: String
        let targets: [Target]
    }
    let panels: [Panel]

    static func read() throws -> GrafanaBoard {
        let file = URL(fileURLWithPath: packageRoot + "/config/grafana-dashboard.json")
        return try JSONDecoder().decode(GrafanaBoard.self, from: Data(contentsOf: file))
    }
}
