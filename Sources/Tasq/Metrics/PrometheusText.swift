/// Writes metrics in Prometheus's text format, version 0.0.4.
public enum PrometheusText {
    /// The media type an answer with such a text has.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The metrics as a page that Prometheus reads.
    ///
    /// Metrics of one name are written together, as the format demands, and described once, so that
    /// the numbers of several workers may be put on one page when their labels differ.
    public static func page(of metrics: [Metric]) -> String {
        var order: [String] = []
        var groups: [String: [Metric]] = [:]
        for metric in metrics {
            if groups[metric.name] == nil { order.append(metric.name) }
            groups[metric.name, default: []].append(metric)
        }
        var text = ""
        for name in order {
            guard let group = groups[name], let first = group.first else { continue }
            text += "# HELP \(name) \(escape(first.help, quotes: false))\n"
            text += "# TYPE \(name) \(first.kind.rawValue)\n"
            for sample in group.flatMap(\.samples) { write(sample, of: name, to: &text) }
        }
        return text
    }

    /// A whole number without a fraction, any other as Swift writes it.
    package static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    private static func write(_ sample: Metric.Sample, of name: String, to text: inout String) {
        text += name + sample.suffix
        if !sample.labels.isEmpty {
            let labels = sample.labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }
            text += "{" + labels.joined(separator: ",") + "}"
        }
        text += " " + number(sample.value) + "\n"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
