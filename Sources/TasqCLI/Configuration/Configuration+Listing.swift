import Tasq
import TasqPostgres
import TasqRedis
import TasqWebhooks

extension Configuration {
    /// One effective value and where it came from.
    struct Listed: Sendable {
        let key: String
        /// As it would be written; a secret as its reference or as what may be told of it.
        let value: String?
        /// `flag`, `environment`, `file` or `default`.
        let source: String
        /// As in `--log-level`, `TASQ_WORKER_LEASE` or `config/tasq.yaml:12`; `nil` for a default.
        let place: String?
    }

    /// What stands in place of a secret that is written out.
    private static let hidden = "(hidden)"

    /// Every scalar key, then what the file says of sources, handlers and tokens; no secret.
    func listing() -> [Listed] {
        let scalars = Setting.all.map { setting in
            let origin = origins.scalars[setting.key]
            return Listed(
                key: setting.key,
                value: setting.isSecret
                    ? origin.flatMap { Self.masked($0.text, of: setting.key) }
                    : setting.value(in: self),
                source: origin?.kind.rawValue ?? "default", place: origin?.place)
        }
        let leaves = origins.leaves.map { leaf in
            Listed(
                key: leaf.path,
                value: Self.isSecret(leaf.path)
                    ? Self.masked(leaf.text, of: leaf.path) : Self.withoutQuery(leaf),
                source: ConfigurationOrigins.Kind.file.rawValue, place: leaf.place)
        }
        return scalars + leaves
    }

    private static func masked(_ text: String, of key: String) -> String? {
        guard !text.isEmpty else { return nil }
        guard case .literal = SecretReference(text) else { return text }
        switch key {
        case "database_url":
            do throws(StoreError) {
                return "\(try PostgresSettings(url: text).description) \(hidden)"
            } catch {
                return hidden
            }
        case "redis_url":
            do throws(InvalidInput) {
                return "\(try RedisSettings(url: text).safeDescription) \(hidden)"
            } catch {
                return hidden
            }
        default: return hidden
        }
    }

    /// A URL's query, or the user in front of its host, may be a token.
    private static func withoutQuery(_ leaf: ConfigurationOrigins.Leaf) -> String {
        guard leaf.path.hasSuffix(".http.url") else { return leaf.text }
        if leaf.text.contains("@") { return hidden }
        return leaf.text.firstIndex(of: "?").map { leaf.text[..<$0] + "?" + hidden } ?? leaf.text
    }

    /// Where the file may hold a secret: everything a request or a program is given may be one.
    private static func isSecret(_ path: String) -> Bool {
        if path.hasPrefix("admin_tokens.") { return true }
        if path.hasPrefix("sources.") {
            // What a credential in a header or in the body must be is as good as the credential.
            let place = path.firstRange(of: ".where.").map { path[$0.upperBound...].lowercased() }
            return path.contains(".secrets") || place.map(isCredentialHeader) == true
        }
        return path.contains(".http.sign") || path.contains(".http.headers.")
            || path.contains(".env.")
    }
}
