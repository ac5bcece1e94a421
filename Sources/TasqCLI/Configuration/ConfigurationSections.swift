/// A text that was found for a key, and where.
struct Found {
    let text: String
    let place: String
    let kind: ConfigurationOrigins.Kind
}

/// The mappings that hold scalar keys: the top and those one below it.
final class Sections {
    private let root: ConfigurationMapping?
    private var opened: [String: ConfigurationMapping?] = [:]

    init(_ root: ConfigurationMapping?) {
        self.root = root
    }

    func find(_ key: String) -> Found? {
        let parts = key.split(separator: ".").map(String.init)
        guard let root, let last = parts.last else { return nil }
        let map = parts.count == 1 ? root : section(parts[0])
        guard let items = map?.list(last), let first = items.first else { return nil }
        return Found(
            text: items.map(\.text).joined(separator: ","),
            place: "\(root.file):\(first.line)", kind: .file)
    }

    func finish() {
        for case let map? in opened.values { map.finish() }
    }

    /// A mapping below the top, for what it holds beside scalar keys.
    func section(_ name: String) -> ConfigurationMapping? {
        if let known = opened[name] { return known }
        let map = root?.mapping(name)
        opened[name] = map
        return map
    }
}
