import Foundation
import Yams

/// `compose/docker-compose.yaml` as Docker reads it: aliases and merged keys written out.
struct ComposeFile: Decodable {
    let services: [String: Service]
    let secrets: [String: Anything]
    let volumes: [String: Anything]

    /// One service, as far as tests look at it.
    struct Service: Decodable {
        let image: String
        let build: Build?
        let command: [String]?
        let environment: [String: String]?
        let volumes: [String]?
        let ports: [String]?
        let secrets: [String]?
        let healthcheck: Anything?
        let waitsFor: Dependencies?
        let gracePeriod: String?

        private enum CodingKeys: String, CodingKey {
            case image, build, command, environment, volumes, ports, secrets, healthcheck
            case waitsFor = "depends_on"
            case gracePeriod = "stop_grace_period"
        }

        /// What is mounted, by where it is mounted.
        var mounts: [String: String] {
            var mounts: [String: String] = [:]
            for volume in volumes ?? [] {
                let parts = volume.split(separator: ":").map(String.init)
                if parts.count > 1 { mounts[parts[1]] = parts[0] }
            }
            return mounts
        }

        /// Its variables on a machine that sets what must be set, and nothing else.
        var variables: [String: String] {
            (environment ?? [:]).mapValues { value in
                value.replacing(/\$\{[A-Z_]+(:-|:\?)([^}]*)\}/) { match in
                    match.1 == ":-" ? String(match.2) : "set-by-somebody"
                }
            }
        }
    }

    struct Build: Decodable {
        let context: String
        let dockerfile: String
    }

    /// What must be there first, and whether it must be well.
    struct Dependencies: Decodable {
        /// Each with what is asked of it: `service_healthy`, or nothing.
        let conditions: [String: String]

        private struct Condition: Decodable {
            let condition: String
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let names = try? container.decode([String].self) {
                conditions = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
            } else {
                conditions = try container.decode([String: Condition].self)
                    .mapValues { $0.condition }
            }
        }
    }

    /// Something that is there, whatever it is.
    struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    static func read() throws -> ComposeFile {
        try YAMLDecoder().decode(ComposeFile.self, from: text("docker-compose.yaml"))
    }

    /// A file beside it.
    static func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder + name, encoding: .utf8)
    }

    static let folder = packageRoot + "/compose/"
}

/// `compose/prometheus.yaml`.
struct PrometheusFile: Decodable {
    let rules: [String]
    let jobs: [Job]

    private enum CodingKeys: String, CodingKey {
        case rules = "rule_files"
        case jobs = "scrape_configs"
    }

    struct Job: Decodable {
        let authorization: Authorization
        let targets: [Target]

        private enum CodingKeys: String, CodingKey {
            case authorization
            case targets = "dns_sd_configs"
        }
    }

    struct Authorization: Decodable {
        let file: String

        private enum CodingKeys: String, CodingKey {
            case file = "credentials_file"
        }
    }

    struct Target: Decodable {
        let names: [String]
        let port: Int
    }

    static func read() throws -> PrometheusFile {
        try YAMLDecoder().decode(
            PrometheusFile.self, from: ComposeFile.text("prometheus.yaml"))
    }
}
