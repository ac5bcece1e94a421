/// A line chart as SVG, drawn with attributes only: the page allows no inline style.
struct Chart {
    struct Line {
        let name: String
        let values: [Double?]
    }

    private static let width = 320.0
    private static let height = 96.0

    let title: String
    let unit: String
    let lines: [Line]

    var markup: Markup {
        let top = lines.flatMap { $0.values.compactMap { $0 } }.max() ?? 0
        let scale = top > 0 ? top : 1
        return """
            <figure><figcaption>\(title) <b>\(number(top)) \(unit)</b> at most</figcaption>
            <svg viewBox="0 0 320 100" preserveAspectRatio="none" role="img" aria-label="\(title)">
            <line x1="0" y1="99" x2="320" y2="99" class="axis"/>\
            \(Markup(each: lines.enumerated()) { index, line in
                "<polyline class=\"line\(index)\" points=\"\(points(line.values, scale))\"/>"
            })</svg><ul class="legend">\(Markup(each: lines.enumerated()) { index, line in
                "<li class=\"line\(index)\">\(line.name)</li>"
            })</ul></figure>
            """
    }

    private func points(_ values: [Double?], _ top: Double) -> String {
        let step = Self.width / Double(max(1, values.count - 1))
        return values.enumerated().compactMap { index, value in
            value.map { "\(rounded(Double(index) * step)),\(rounded(98 - $0 / top * Self.height))" }
        }.joined(separator: " ")
    }

    private func rounded(_ value: Double) -> String {
        String((value * 10).rounded() / 10)
    }
}

/// A number as people read it: three digits at most behind the first.
func number(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value >= 100 || value == value.rounded() { return String(Int64(value.rounded())) }
    return String((value * 100).rounded() / 100)
}
