/// A metrics page in Prometheus's text format, read strictly, for tests: whatever the format or its
/// conventions forbid is an error, though Prometheus itself would let some of it pass.
package struct Exposition: Sendable {
    /// Why a page is none; the text quotes the line.
    package struct Flaw: Error, CustomStringConvertible {
        package let description: String
    }

    /// The metrics by name, with their types.
    package private(set) var types: [String: String] = [:]
    /// The samples by their series, as in `a_total{b="c"}` with labels in the order of their names.
    package private(set) var values: [String: Double] = [:]
    private var helps: Set<String> = []
    private var samples: [Sample] = []

    private struct Sample {
        let name: String
        let labels: [(name: String, value: String)]
        let value: Double
        let family: String
    }

    /// Reads a whole page. Throws ``Flaw``.
    package init(_ page: String) throws {
        guard page.isEmpty || page.hasSuffix("\n") else {
            throw Flaw(description: "no end of line")
        }
        var family = ""
        for line in page.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let flaw = Flaw(description: String(line))
            if line.hasPrefix("#") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                guard words.count == 4, Self.isName(words[2], colons: true) else { throw flaw }
                switch words[1] {
                case "HELP":
                    guard helps.insert(words[2]).inserted, Self.unescaped(words[3], "\\n") != nil
                    else { throw flaw }
                    family = words[2]
                case "TYPE":
                    guard family == words[2], types[family] == nil,
                        ["counter", "gauge", "histogram"].contains(words[3]),
                        (words[3] == "counter") == family.hasSuffix("_total")
                    else { throw flaw }
                    types[family] = words[3]
                default: throw flaw
                }
                continue
            }
            guard let sample = Self.sample(line, of: family, types[family]) else { throw flaw }
            let series = Self.series(sample.name, sample.labels)
            guard values.updateValue(sample.value, forKey: series) == nil else { throw flaw }
            samples.append(sample)
        }
        for (name, type) in types where type == "histogram" { try checkHistogram(name) }
    }

    /// The value of a series; `nil` when it is not there.
    package subscript(_ name: String, _ labels: KeyValuePairs<String, String>) -> Double? {
        values[Self.series(name, labels.map { (name: $0.key, value: $0.value) })]
    }

    /// The value of a series without labels.
    package subscript(_ name: String) -> Double? { values[name] }

    /// The sum of all series of a name.
    package func sum(_ name: String) -> Double {
        samples.filter { $0.name == name }.reduce(0) { $0 + $1.value }
    }

    /// The names of the labels that samples of a metric have, buckets' bounds aside; `nil` when it
    /// has no samples.
    package func labels(of metric: String) -> Set<String>? {
        let names = samples.filter { $0.family == metric }.map { $0.labels.map(\.name) }
        return names.isEmpty ? nil : Set(names.joined()).subtracting(["le"])
    }

    private static func series(
        _ name: String, _ labels: [(name: String, value: String)]
    ) -> String {
        guard !labels.isEmpty else { return name }
        let text = labels.sorted { $0.name < $1.name }.map { "\($0.name)=\"\($0.value)\"" }
        return name + "{" + text.joined(separator: ",") + "}"
    }

    private static func sample(_ line: Substring, of family: String, _ type: String?) -> Sample? {
        guard let type else { return nil }
        let name = line.prefix { $0 != "{" && $0 != " " }
        var rest = line[name.endIndex...]
        var labels: [(name: String, value: String)] = []
        if rest.first == "{" {
            guard let read = readLabels(rest.dropFirst()) else { return nil }
            (labels, rest) = read
        }
        guard rest.first == " ", let value = number(rest.dropFirst()), isName(name, colons: true),
            Set(labels.map(\.name)).count == labels.count
        else { return nil }
        let suffix = name.dropFirst(family.count)
        let suffixes = type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard name.hasPrefix(family), suffixes.contains(String(suffix)),
            (suffix == "_bucket") == labels.contains(where: { $0.name == "le" }),
            type != "counter" || value >= 0 && value.isFinite
        else { return nil }
        return Sample(name: String(name), labels: labels, value: value, family: family)
    }

    /// `name="value",…}` and what follows.
    private static func readLabels(
        _ text: Substring
    ) -> (labels: [(name: String, value: String)], rest: Substring)? {
        var labels: [(name: String, value: String)] = []
        var rest = text
        while true {
            let name = rest.prefix { $0 != "=" }
            rest = rest[name.endIndex...].dropFirst()
            guard isName(name, colons: false), rest.first == "\"" else { return nil }
            rest = rest.dropFirst()
            var raw = ""
            while let character = rest.first, character != "\"" {
                raw.append(character)
                rest = rest.dropFirst()
                if character == "\\" {
                    guard let next = rest.first else { return nil }
                    raw.append(next)
                    rest = rest.dropFirst()
                }
            }
            guard let value = unescaped(raw, "\\n\"") else { return nil }
            labels.append((String(name), value))
            rest = rest.dropFirst()
            switch rest.first {
            case ",": rest = rest.dropFirst()
            case "}": return (labels, rest.dropFirst())
            default: return nil
            }
        }
    }

    /// A text whose backslashes stand before one of these characters.
    private static func unescaped(_ text: String, _ allowed: String) -> String? {
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "\\" else {
                result.append(character)
                continue
            }
            guard let escaped = rest.popFirst(), allowed.contains(escaped) else { return nil }
            result.append(escaped == "n" ? "\n" : escaped)
        }
        return result
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default:
            text.allSatisfy { $0.isASCII && ($0.isNumber || "+-.e".contains($0)) }
                ? Double(text) : nil
        }
    }

    private static func isName(_ text: some StringProtocol, colons: Bool) -> Bool {
        guard let first = text.first, !first.isNumber else { return false }
        return text.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || colons && $0 == ":")
        }
    }

    /// Every set of labels has rising buckets that never fall, up to the one that holds all.
    private func checkHistogram(_ name: String) throws {
        var buckets: [String: [(bound: Double, count: Double)]] = [:]
        for sample in samples where sample.name == name + "_bucket" {
            let rest = sample.labels.filter { $0.name != "le" }
            let bound = sample.labels.first { $0.name == "le" }.flatMap {
                Self.number($0.value[...])
            }
            guard let bound else { throw Flaw(description: "\(name): an le that is no number") }
            buckets[Self.series("", rest), default: []].append((bound, sample.value))
        }
        for (labels, buckets) in buckets {
            let isRising = zip(buckets, buckets.dropFirst()).allSatisfy {
                $0.bound < $1.bound && $0.count <= $1.count
            }
            guard isRising, buckets.last?.bound == .infinity,
                buckets.last?.count == values[name + "_count" + labels],
                values[name + "_sum" + labels] != nil
            else { throw Flaw(description: "\(name)\(labels): buckets do not add up") }
        }
        let counts = samples.filter { $0.name == name + "_count" || $0.name == name + "_sum" }
        guard counts.count == buckets.count * 2 else {
            throw Flaw(description: "\(name): sums without buckets")
        }
    }
}
