import Foundation
import Tasq

/// A secret as a configuration names it: the text itself, `env:NAME` or `file:/path`.
enum SecretReference: Sendable, Hashable {
    case literal(String)
    case environment(name: String)
    case file(path: String)

    init(_ text: String) {
        if text.hasPrefix("env:") {
            self = .environment(name: String(text.dropFirst(4)))
        } else if text.hasPrefix("file:") {
            self = .file(path: String(text.dropFirst(5)))
        } else {
            self = .literal(text)
        }
    }

    /// Bytes a secret file may hold.
    static let fileLimit = 65_536

    /// The secret itself, without blanks at its ends when it comes from a file.
    ///
    /// A space inside is part of the secret, since providers take any text for one. White space at
    /// its ends, a tab or a line end is a slip: a quoted variable, a file with two secrets.
    /// Throws ``InvalidInput`` that names the source, never the value.
    func resolve(in environment: [String: String]) throws(InvalidInput) -> String {
        switch self {
        case .literal(let text):
            return try Self.checked(text, source: "the secret")
        case .environment(let name):
            guard let text = environment[name] else {
                throw InvalidInput(field: "env:\(name)", "is not set")
            }
            return try Self.checked(text, source: "env:\(name)")
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path) else {
                throw InvalidInput(field: "file:\(path)", "cannot be read")
            }
            guard !isWritableByAll(path) else {
                throw InvalidInput(
                    field: "file:\(path)", "can be written by everybody: chmod o-w it")
            }
            guard data.count <= Self.fileLimit, let text = String(data: data, encoding: .utf8)
            else {
                throw InvalidInput(
                    field: "file:\(path)", "must be UTF-8 text of at most \(Self.fileLimit) bytes")
            }
            return try Self.checked(String(text.trimmed), source: "file:\(path)")
        }
    }

    private static func checked(
        _ text: String, source: String
    ) throws(InvalidInput) -> String {
        guard !text.isEmpty else { throw InvalidInput(field: source, "is empty") }
        guard text.first?.isWhitespace != true, text.last?.isWhitespace != true else {
            throw InvalidInput(field: source, "has white space at its start or end: remove it")
        }
        guard !text.contains(where: { $0.isWhitespace && $0 != " " }) else {
            throw InvalidInput(field: source, "has a tab or a line end in it: one secret each")
        }
        return text
    }
}

/// Whether any user of this computer may change the file, and with it what tasq believes or runs.
func isWritableByAll(_ path: String) -> Bool {
    do {
        let attributes = try FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        guard attributes[.type] as? FileAttributeType == .typeRegular,
            let mode = attributes[.posixPermissions] as? NSNumber
        else { return false }
        return mode.intValue & 0o002 != 0
    } catch {
        return false
    }
}

/// Looks secrets up, or only reads their references where a command does not need them.
struct SecretResolver {
    let environment: [String: String]
    let problems: ProblemCollector
    var file = ""
    var looksUp = true

    /// The secret, or `nil` when it was reported as unusable or is not needed.
    func callAsFunction(_ text: String, at line: Int) -> String? {
        guard looksUp else { return nil }
        do {
            return try SecretReference(text).resolve(in: environment)
        } catch {
            problems.report("\(file):\(line)", "\(error.field) \(error.rule)")
            return nil
        }
    }

    /// Names with their values, each given as it is or as a secret.
    func variables(of map: ConfigurationMapping) -> [String: String] {
        var variables: [String: String] = [:]
        for name in map.keys {
            guard let item = map.list(name)?.first else { continue }
            switch SecretReference(item.text) {
            case .literal(let text): variables[name] = text
            case .environment, .file: variables[name] = self(item.text, at: item.line)
            }
        }
        return variables
    }
}
