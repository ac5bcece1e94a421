import Foundation

/// Latency by percentile and rate over time, as an SVG document.
struct BenchChart: Sendable {
    private let latencies: [LatencyCurve]
    private let rates: [RateCurve]

    init(_ findings: [Findings]) {
        latencies = findings.flatMap(\.latencies)
        rates = findings.flatMap(\.rates).filter { $0.points.count > 1 }
    }

    private static let width = 860.0
    private static let panelHeight = 330.0
    /// The area of the lines within a panel.
    private static let plot = (left: 70.0, top: 50.0, width: 520.0, height: 230.0)
    private static let colours = [
        "#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#b45309", "#be185d", "#0f766e", "#475569",
    ]

    /// The document.
    var text: String {
        var panels: [String] = []
        if !latencies.isEmpty { panels.append(latencyPanel) }
        if !rates.isEmpty { panels.append(ratePanel) }
        let height = Self.panelHeight * Double(max(panels.count, 1))
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(Self.width)) \
            \(number(height))" font-family="system-ui, sans-serif" font-size="12" fill="#1f2937">
            <rect width="100%" height="100%" fill="#ffffff"/>

            """
        for (index, panel) in panels.enumerated() {
            let y = Self.panelHeight * Double(index)
            text += "<g transform=\"translate(0 \(number(y)))\">\n\(panel)</g>\n"
        }
        return text + "</svg>\n"
    }

    /// Percentiles stand at equal distances per nine, latencies on a logarithmic scale.
    private var latencyPanel: String {
        let marks = [0, 50, 90, 99, 99.9, 99.99]
        let values = latencies.flatMap { $0.points.map { max($0.milliseconds, 0.01) } }
        let low = Self.tenthBelow(values.min() ?? 0.1)
        let high = max(Self.tenthBelow(values.max() ?? 1) * 10, low * 10)
        var decades: [Double] = []
        var decade = low
        while decade <= high * 1.001 {
            decades.append(decade)
            decade *= 10
        }
        let axes = Axes(
            x: { Self.nines($0) / Self.nines(99.99) },
            y: { Self.decades($0 / low) / Self.decades(high / low) })
        let lines = latencies.map { curve in
            (curve.name, curve.points.map { ($0.percentile, max($0.milliseconds, 0.01)) })
        }
        return panel(
            "Latency by percentile, ms", axes, lines, xMarks: marks.map { ($0, "p" + label($0)) },
            yMarks: decades.map { ($0, label($0)) })
    }

    private var ratePanel: String {
        let points = rates.flatMap(\.points)
        let longest = max(points.map(\.seconds).max() ?? 1, 0.1)
        let step = Self.roundStep((points.map(\.perSecond).max() ?? 1) / 4)
        let top = step * 5
        let axes = Axes(x: { $0 / longest }, y: { $0 / top })
        let second = Self.roundStep(longest / 6)
        let xMarks = (0...6).map { Double($0) * second }.filter { $0 <= longest }
        return panel(
            "Jobs completed a second, over seconds", axes,
            rates.map { ($0.name, $0.points.map { ($0.seconds, $0.perSecond) }) },
            xMarks: xMarks.map { ($0, label($0)) },
            yMarks: (0...5).map { (Double($0) * step, label(Double($0) * step)) })
    }

    /// From a value to a place between 0 and 1.
    private struct Axes {
        let x: (Double) -> Double
        let y: (Double) -> Double

        func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            (
                BenchChart.plot.left + BenchChart.plot.width * min(max(self.x(x), 0), 1),
                BenchChart.plot.top + BenchChart.plot.height * (1 - min(max(self.y(y), 0), 1))
            )
        }
    }

    private func panel(
        _ title: String, _ axes: Axes, _ lines: [(name: String, points: [(Double, Double)])],
        xMarks: [(Double, String)], yMarks: [(Double, String)]
    ) -> String {
        let (left, top, width, height) = Self.plot
        var text =
            "<text x=\"\(number(left))\" y=\"28\" font-size=\"15\">\(escaped(title))</text>\n"
        for (value, label) in yMarks {
            let y = number(axes.place(0, value).y)
            text += "<path d=\"M\(number(left)) \(y)h\(number(width))\" stroke=\"#e5e7eb\"/>\n"
            text += "<text x=\"\(number(left - 8))\" y=\"\(y)\" text-anchor=\"end\" "
            text += "dominant-baseline=\"middle\" fill=\"#6b7280\">\(label)</text>\n"
        }
        for (value, label) in xMarks {
            let x = number(axes.place(value, 0).x)
            text += "<text x=\"\(x)\" y=\"\(number(top + height + 20))\" text-anchor=\"middle\" "
            text += "fill=\"#6b7280\">\(label)</text>\n"
        }
        for (index, line) in lines.enumerated() where !line.points.isEmpty {
            let colour = Self.colours[index % Self.colours.count]
            let dashes = index < Self.colours.count ? "" : " stroke-dasharray=\"5 3\""
            let path = line.points.map { axes.place($0.0, $0.1) }
                .map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
            text += "<path d=\"M\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" "
            text += "stroke-linejoin=\"round\"\(dashes)/>\n"
            let y = top + 8 + 18 * Double(index)
            text += "<path d=\"M\(number(left + width + 20)) \(number(y - 4))h16\" "
            text += "stroke=\"\(colour)\" stroke-width=\"3\"\(dashes)/>\n"
            text += "<text x=\"\(number(left + width + 44))\" y=\"\(number(y))\">"
            text += "\(escaped(line.name))</text>\n"
        }
        return text
    }

    /// How many nines a percentile has; a little of one for the lower half.
    private static func nines(_ percentile: Double) -> Double {
        decades(100 / max(100 - percentile, 0.01))
    }

    private static func decades(_ value: Double) -> Double { value > 0 ? log10(value) : 0 }

    private static func tenthBelow(_ value: Double) -> Double {
        var power = 0.001
        while power * 10 <= value { power *= 10 }
        return power
    }

    /// 1, 2 or 5 times a power of ten, not below the value.
    private static func roundStep(_ value: Double) -> Double {
        let power = tenthBelow(max(value, 0.001))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? power * 10
    }

    private func number(_ value: Double) -> String { BenchReport.fixed(value, 1) }

    /// Without needless decimals.
    private func label(_ value: Double) -> String {
        var text = BenchReport.fixed(value, 3)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
