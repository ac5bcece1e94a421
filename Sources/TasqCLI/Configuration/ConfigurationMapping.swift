import Tasq
import Yams

/// One mapping of a configuration file; knows which of its keys were asked for.
///
/// Every key that is asked for becomes known; ``finish()`` reports the rest with the nearest known
/// name. Values that break a rule are reported with their line and count as absent.
final class ConfigurationMapping {
    /// As in `handlers.github.http`; empty at the top.
    let path: String
    let file: String
    private let line: Int
    private let problems: ProblemCollector
    private var entries: [(key: String, line: Int, node: Node)] = []
    private var asked: [String] = []

    init?(_ node: Node, path: String, file: String, problems: ProblemCollector) {
        self.path = path
        self.file = file
        self.line = node.mark?.line ?? 1
        self.problems = problems
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    problems.report(place(of: key), "a key must be plain text")
                    continue
                }
                entries.append((scalar.string, key.mark?.line ?? line, value))
            }
        case .scalar where isAbsent(node):
            break
        default:
            problems.report(place(of: node), "\(path) must be a mapping of names to values")
            return nil
        }
    }

    /// The keys in file order.
    var keys: [String] { entries.map(\.key) }

    /// A value by its key; `nil` when it is not there or empty.
    private func node(_ key: String) -> Node? {
        if !asked.contains(key) { asked.append(key) }
        guard let node = entries.first(where: { $0.key == key })?.node, !isAbsent(node) else {
            return nil
        }
        return node
    }

    /// Whether a key stands there at all, an empty value included.
    func has(_ key: String) -> Bool {
        if !asked.contains(key) { asked.append(key) }
        return entries.contains { $0.key == key }
    }

    /// Whether a key's value is a mapping.
    func isMapping(_ key: String) -> Bool {
        if case .mapping? = node(key) { true } else { false }
    }

    /// A mapping below this one.
    func mapping(_ key: String) -> ConfigurationMapping? {
        guard let node = node(key) else { return nil }
        return ConfigurationMapping(
            node, path: path.isEmpty ? key : "\(path).\(key)", file: file, problems: problems)
    }

    /// A list of mappings, none where the key is not there; a single one counts as a list of one.
    /// `nil` when one of them was reported as something else.
    func mappings(_ key: String) -> [ConfigurationMapping]? {
        guard let node = node(key) else { return [] }
        var nodes = [node]
        if case .sequence(let sequence) = node { nodes = Array(sequence) }
        let maps = nodes.enumerated().compactMap { index, node in
            ConfigurationMapping(
                node, path: "\(full(key))[\(index)]", file: file, problems: problems)
        }
        return maps.count == nodes.count ? maps : nil
    }

    /// A plain text.
    func text(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node else {
            report(node, "\(full(key)) must be a single value")
            return nil
        }
        return scalar.string
    }

    /// A text turned into a value by a rule.
    func value<Value>(
        _ key: String, _ read: (String) throws(InvalidInput) -> Value
    ) -> Value? {
        guard let text = text(key) else { return nil }
        do {
            return try read(text)
        } catch {
            report(key, error.rule)
            return nil
        }
    }

    /// A key that is a name itself, as of a schedule; `nil` when it is none, which is reported.
    func name(_ key: String) -> Name? {
        do throws(InvalidInput) {
            return try Name(key)
        } catch {
            report(key, "is not a name: \(error.rule)")
            return nil
        }
    }

    /// A list of plain texts, each with its line; a single text counts as a list of one.
    func list(_ key: String) -> [(text: String, line: Int)]? {
        guard let node = node(key) else { return nil }
        let nodes: [Node]
        switch node {
        case .scalar: nodes = [node]
        case .sequence(let sequence): nodes = Array(sequence)
        default:
            report(node, "\(full(key)) must be a list")
            return nil
        }
        return nodes.compactMap { element in
            guard case .scalar(let scalar) = element else {
                report(element, "\(full(key)) must be a list of single values")
                return nil
            }
            return (scalar.string, element.mark?.line ?? line)
        }
    }

    /// Every single value below a key, however deep, each with its path and place.
    func leaves(below key: String) -> [ConfigurationOrigins.Leaf] {
        entries.first { $0.key == key }.map { leaves(of: $0.node, at: full(key), depth: 0) } ?? []
    }

    /// How deep ``leaves(below:)`` looks; no key that means anything stands deeper.
    private static let depthLimit = 8

    private func leaves(
        of node: Node, at path: String, depth: Int
    ) -> [ConfigurationOrigins.Leaf] {
        guard depth < Self.depthLimit else { return [] }
        switch node {
        // An empty one says something too, as in `noop: {}`.
        case .mapping(let mapping) where mapping.isEmpty && depth > 0:
            return [.init(path: path, text: "{}", place: place(of: node))]
        case .scalar(let scalar):
            return [.init(path: path, text: scalar.string, place: place(of: node))]
        case .sequence(let sequence):
            return sequence.enumerated().flatMap { index, node in
                leaves(of: node, at: "\(path)[\(index)]", depth: depth + 1)
            }
        case .mapping(let mapping):
            return mapping.flatMap { key, node in
                leaves(of: node, at: "\(path).\(key.string ?? "")", depth: depth + 1)
            }
        case .alias: return []
        }
    }

    /// Reports a key's value.
    func report(_ key: String, _ rule: String) {
        let entry = entries.first { $0.key == key }
        problems.report("\(file):\(entry?.node.mark?.line ?? line)", "\(full(key)) \(rule)")
    }

    /// Reports something about the mapping as a whole.
    func report(_ text: String) {
        problems.report("\(file):\(line)", text)
    }

    /// Reports every key nobody asked for.
    func finish() {
        for entry in entries where !asked.contains(entry.key) {
            let hint = nearestName(to: entry.key, among: asked).map { "; did you mean \($0)?" }
            problems.report(
                "\(file):\(entry.line)", "unknown key \(full(entry.key))" + (hint ?? ""))
        }
    }

    /// A key with everything above it.
    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func report(_ node: Node, _ text: String) {
        problems.report(place(of: node), text)
    }

    private func place(of node: Node) -> String { "\(file):\(node.mark?.line ?? line)" }
}

/// Whether a value was left empty, as in `sources:`.
private func isAbsent(_ node: Node) -> Bool {
    guard case .scalar(let scalar) = node else { return false }
    return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
}
