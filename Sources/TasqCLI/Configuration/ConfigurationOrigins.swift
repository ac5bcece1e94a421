/// Where each part of a configuration was found, for messages and for `tasq config show`.
struct ConfigurationOrigins: Sendable {
    /// Which of the three places a value came from; a default came from none.
    enum Kind: String, Sendable {
        case flag, environment, file
    }

    /// A scalar key's text as it was found.
    struct Scalar: Sendable {
        let kind: Kind
        /// As in `--log-level`, `TASQ_WORKER_LEASE` or `config/tasq.yaml:12`.
        let place: String
        /// As it was written, so a secret in the clear, unless it is a reference.
        let text: String
    }

    /// A value below `sources`, `handlers`, `admin_tokens` or the like.
    struct Leaf: Sendable {
        /// As in `handlers.github.http.url` or `sources.erp.secrets[1]`.
        let path: String
        let text: String
        let place: String
    }

    /// The file that was read; `nil` when there was none.
    var file: String?
    var scalars: [String: Scalar] = [:]
    var leaves: [Leaf] = []

    /// Where to look to mend `field`, as in `worker.lease` or `sources.erp.secrets[0]`.
    func place(of field: String) -> String? {
        if let scalar = scalars[field] { return scalar.place }
        // The first leaf of an entry stands at, or next to, the entry's own line.
        return leaves.first { leaf in
            leaf.path == field || leaf.path.hasPrefix(field + ".")
                || leaf.path.hasPrefix(field + "[")
                || field.hasPrefix(leaf.path + ".") || field.hasPrefix(leaf.path + "[")
        }?.place
    }
}

extension ConfigurationOrigins: CustomStringConvertible, CustomReflectable {
    /// Shows nothing: a text may be a secret.
    var description: String { "ConfigurationOrigins(hidden)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
