import Tasq

/// A line chart: SVG drawn with attributes only, as the page allows no inline style, beside axes of
/// text, as the drawing is stretched to whatever place there is.
struct Chart {
    struct Line {
        let name: String
        let values: [Double?]
        /// Drawn in the colour of failures.
        var isBad = false
    }

    private static let width = 320.0
    private static let height = 96.0
    /// Parts of the time axis; each begins with a time of the clock.
    private static let parts = 3

    let title: String
    let unit: String
    /// The second is dashed, so that lines which agree do not hide each other.
    let lines: [Line]
    /// When the left edge is.
    let start: Timestamp
    /// When the right one is.
    let end: Timestamp

    var markup: Markup {
        let peak = lines.flatMap { $0.values.compactMap { $0 } }.max() ?? 0
        let top = Self.ceiling(of: peak)
        let styled = lines.enumerated().map { index, line in
            (line: line, style: line.isBad ? "bad" : "line\(index)")
        }
        let drawn = Markup(each: styled) { line, style in
            Markup(each: runs(of: line.values, top)) { points in
                "<polyline class=\"\(style)\" points=\"\(points)\"/>"
            }
        }
        let times = Markup(each: 0...Self.parts) { "<span>\(Self.clock(time($0)))</span>" }
        let legend = Markup(each: styled) { line, style in
            "<li class=\"\(style)\">\(line.name)</li>"
        }
        return """
            <figure><figcaption>\(title) <span>peak <b>\(number(peak)) \(unit)</b></span></figcaption>
            <div class="plot"><div class="values" aria-hidden="true"><span>\(number(top)) \(unit)</span>\
            <span>\(number(top / 2))</span><span>0</span></div>
            <svg viewBox="0 0 320 100" preserveAspectRatio="none" role="img" aria-label="\(words)">
            \(Self.grid)\(drawn)</svg>
            <div class="times" aria-hidden="true">\(times)</div></div><ul class="legend">\(legend)</ul></figure>
            """
    }

    private static var grid: Markup {
        let levels = Markup(each: [2, 50, 98]) { y in
            "<line x1=\"0\" y1=\"\(y)\" x2=\"320\" y2=\"\(y)\" class=\"axis\"/>"
        }
        let times = Markup(each: 0...parts) { part in
            let x = rounded(width * Double(part) / Double(parts))
            return "<line x1=\"\(x)\" y1=\"2\" x2=\"\(x)\" y2=\"98\" class=\"axis\"/>"
        }
        return "\(levels)\(times)"
    }

    /// What it shows, for those who do not see it.
    private var words: String {
        let told = lines.map { line in
            let values = line.values.compactMap { $0 }
            guard let last = values.last, let peak = values.max() else {
                return "\(line.name): nothing noted"
            }
            return "\(line.name): peak \(number(peak)) \(unit), last \(number(last)) \(unit)"
        }
        let span = "\(Self.clock(start)) to \(Self.clock(end)) UTC"
        return "\(title), \(span). \(told.joined(separator: "; "))"
    }

    /// The least round number that is not exceeded, and of which half is round, too.
    static func ceiling(of value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        // Less is told in no more digits than this.
        var step = 0.1
        while step * 10 < value { step *= 10 }
        for factor: Double in [1, 2, 4, 5, 6, 8] where factor * step >= value {
            return factor * step
        }
        return 10 * step
    }

    private func time(_ part: Int) -> Timestamp {
        let (length, isBeyond) = end.microseconds.subtractingReportingOverflow(start.microseconds)
        guard !isBeyond else { return end }
        return Timestamp(
            microseconds: start.microseconds + length / Int64(Self.parts) * Int64(part))
    }

    /// Hours and minutes in UTC.
    private static func clock(_ time: Timestamp) -> Substring {
        time.description.split(separator: "T").last?.prefix(5) ?? ""
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
            let places = points.map { "\(Self.rounded($0.x)),\(Self.rounded($0.y))" }
            return places.joined(separator: " ")
        }
    }

    private static func rounded(_ value: Double) -> String {
        String((value * 10).rounded() / 10)
    }
}

/// A number as people read it: three digits at most behind the first.
func number(_ value: Double) -> String {
    guard value.magnitude < 1e18 else { return "–" }
    if value >= 100 || value == value.rounded() { return String(Int64(value.rounded())) }
    return String((value * 100).rounded() / 100)
}
