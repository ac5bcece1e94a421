import Tasq
import Testing

@testable import TasqHTTP

/// What a chart of the overview is made of.
struct ChartTests {
    private func markup(_ lines: [Chart.Line]) throws -> String {
        let start = try #require(Timestamp(rfc3339: "2026-11-23T19:00:00Z"))
        let end = try #require(Timestamp(rfc3339: "2026-11-23T19:15:30Z"))
        return Chart(title: "Runs", unit: "/s", lines: lines, start: start, end: end).markup.text
    }

    @Test func `The axes carry values with their unit, and times of the clock`() throws {
        let text = try markup([.init(name: "ended", values: [0, nil, 7])])
        for part in [
            "<span>8 /s</span><span>4</span><span>0</span>",
            "<span>19:00</span><span>19:05</span><span>19:10</span><span>19:15</span>",
            "Runs <span>peak <b>7 /s</b></span>",
            "aria-label=\"Runs, 19:00 to 19:15 UTC. ended: peak 7 /s, last 7 /s\"",
            // Seven of eight.
            "points=\"320.0,14.0 ", "points=\"0.0,98.0 ",
        ] {
            #expect(text.contains(part), "\(part): \(text)")
        }
    }

    @Test func `Lines differ by more than colour, failures are drawn as such`() throws {
        let text = try markup([
            .init(name: "a", values: [1, 2]), .init(name: "b", values: [2, 3]),
            .init(name: "c", values: [3, 4], isBad: true),
        ])
        for style in ["line0", "line1", "bad"] {
            #expect(text.contains("<polyline class=\"\(style)\""), "\(style): \(text)")
            #expect(text.contains("<li class=\"\(style)\">"), "\(style): \(text)")
        }
    }

    @Test func `Where nothing was noted, that is said`() throws {
        let text = try markup([.init(name: "ended", values: [nil, nil])])
        #expect(text.contains("ended: nothing noted\""), "\(text)")
        #expect(text.contains("<span>1 /s</span>") && !text.contains("<polyline"), "\(text)")
    }

    @Test(
        arguments: [
            (0, 1), (0.001, 0.1), (0.1, 0.1), (0.3, 0.4), (1, 1), (1.01, 2), (2.5, 4), (4.5, 5),
            (5.5, 6), (7, 8), (9, 10), (10, 10), (11, 20), (70, 80), (1234, 2000), (-1, 1),
            (.infinity, 1), (.nan, 1),
        ] as [(Double, Double)])
    func `An axis ends with a round number that no value exceeds`(value: Double, top: Double) {
        #expect(Chart.ceiling(of: value) == top)
    }

    @Test func `However large a value is, it is drawn`() throws {
        let text = try markup([.init(name: "ended", values: [.greatestFiniteMagnitude, 1, .nan])])
        #expect(text.contains("peak <b>–"), "\(text)")
        for (value, told) in [(Double.nan, "–"), (1e300, "–"), (1e17, "100000000000000000")] {
            #expect(number(value) == told)
        }
    }
}
