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
    /// The second is dashed, so that lines which agree do not hide each other.
    let lines: [Line]
    /// What the left edge stands for; the right one is now.
    let start: String

    var markup: Markup {
        let top = lines.flatMap { $0.values.compactMap { $0 } }.max() ?? 0
        let scale = top > 0 ? top : 1
        return """
            <figure><figcaption>\(title) <span>peak <b>\(number(top)) \(unit)</b></span></figcaption>
            <svg viewBox="0 0 320 100" preserveAspectRatio="none" role="img" aria-label="\(title)">
            \(Markup(each: [2, 50, 98]) { y in
                "<line x1=\"0\" y1=\"\(y)\" x2=\"320\" y2=\"\(y)\" class=\"axis\"/>"
            })\(Markup(each: lines.enumerated()) { index, line in
                Markup(each: runs(of: line.values, scale)) { points in
                    "<polyline class=\"line\(index)\" points=\"\(points)\"/>"
                }
            })</svg><p class="span"><span>\(start)</span><span>now</span></p><ul class="legend">\(Markup(each: lines.enumerated()) { index, line in
                "<li class=\"line\(index)\">\(line.name)</li>"
            })</ul></figure>
            """
    }

    /// The points of each stretch without a gap.
    private func runs(of values: [Double?], _ top: Double) -> [String] {
        let step = Self.width / Double(max(1, values.count - 1))
        return values.enumerated().split { $0.element == nil }.map { run in
            var points = run.map { index, value in
                (x: Double(index) * step, y: 98 - (value ?? 0) / top * Self.height)
            }
            // A point alone would not be drawn.
            if points.count == 1 { points.append((points[0].x + step / 2, points[0].y)) }
            return points.map { "\(rounded($0.x)),\(rounded($0.y))" }.joined(separator: " ")
        }
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
