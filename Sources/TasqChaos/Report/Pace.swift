/// How far a sitting is, and how long it will go on by what each fault has taken so far.
struct Pace: Sendable {
    private let count: Int
    private let atOnce: Int
    private var left: [Run]
    /// How long whole runs took, by the name of the fault.
    private var seconds: [String: [Double]]

    /// `known` is how long runs of earlier sittings took, by the name of the fault.
    init(_ runs: [Run], atOnce: Int, known: [String: [Double]] = [:]) {
        count = runs.count
        left = runs
        self.atOnce = atOnce
        seconds = known
    }

    /// A run has ended that took so long.
    mutating func ended(_ run: Run, after duration: Duration) {
        let index = left.firstIndex { $0.fault == run.fault && $0.seed == run.seed }
        if let index { left.remove(at: index) }
        seconds[run.fault, default: []].append(duration / .seconds(1))
    }

    /// How long the rest will take; nil where nothing has been seen to go by, or nothing is left.
    var remaining: Duration? {
        let all = seconds.values.flatMap { $0 }
        guard !all.isEmpty, !left.isEmpty else { return nil }
        let usual = Self.mean(all)
        let rest: Double = left.reduce(0) { sum, run in
            let known = seconds[run.fault].map { Self.mean($0) } ?? usual
            return sum + known / Double(run.isApart ? 1 : atOnce)
        }
        return .seconds(rest)
    }

    /// How far it is, as in `3 of 375, gone 4 min, to go about 6 h 40 min`.
    func text(gone: Duration) -> String {
        "\(count - left.count) of \(count), gone \(Self.text(of: gone))"
            + (remaining.map { ", to go about \(Self.text(of: $0))" } ?? "")
    }

    /// As in `63 s`, `74 min` or `6 h 40 min`.
    static func text(of duration: Duration) -> String {
        let seconds = Int((duration / .seconds(1)).rounded())
        if seconds < 120 { return "\(seconds) s" }
        let minutes = (seconds + 30) / 60
        return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }

    private static func mean(_ numbers: [Double]) -> Double {
        numbers.reduce(0, +) / Double(max(1, numbers.count))
    }
}
