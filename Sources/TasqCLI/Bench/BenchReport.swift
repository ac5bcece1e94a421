/// Everything a run found, as a table or as one JSON document.
struct BenchReport: Sendable {
    let machine: Machine
    let plan: BenchPlan
    let findings: [Findings]

    private var figures: [Figure] { findings.flatMap(\.figures) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(heading: "scenario"), .init(heading: "measure"),
            .init(heading: "tasq", isNumber: true), .init(heading: "floor", isNumber: true),
            .init(heading: "ratio", isNumber: true), .init(heading: "how"),
        ])
        for figure in figures {
            table.add([
                .init(figure.scenario.rawValue), .init(figure.measure),
                .init("\(Self.short(figure.value)) \(figure.unit)"),
                .init(floorText(of: figure)),
                .init(figure.ratio.map(Self.ratioText) ?? ""),
                .init(howText(of: figure)),
            ])
        }
        return table.text(styled: styled) + "\n"
            + machine.lines.map { "\($0.name): \($0.value)\n" }.joined()
    }

    var json: JSON {
        .object([
            "machine": machine.json,
            "options": .object([
                "rounds": .int(plan.rounds), "concurrency": .int(plan.concurrency),
                "jobs": plan.jobs.map(JSON.int) ?? .null,
                "seconds": plan.seconds.map(JSON.int) ?? .null,
                "rows": plan.rows.map(JSON.int) ?? .null, "live": .int(plan.live),
                "slots": .int(plan.slots), "hang": .int(plan.hang),
            ]),
            "figures": .array(figures.map(Self.json)),
            "latencies": .array(
                findings.flatMap(\.latencies).map { curve in
                    .object([
                        "name": .string(curve.name),
                        "points": .array(
                            curve.points.map {
                                .object([
                                    "percentile": .decimal($0.percentile),
                                    "ms": .decimal($0.milliseconds),
                                ])
                            }),
                    ])
                }),
            "rates": .array(
                findings.flatMap(\.rates).map { curve in
                    .object([
                        "name": .string(curve.name),
                        "points": .array(
                            curve.points.map {
                                .object([
                                    "seconds": .decimal($0.seconds),
                                    "per_second": .decimal($0.perSecond),
                                ])
                            }),
                    ])
                }),
        ])
    }

    private static func json(_ figure: Figure) -> JSON {
        var floorRounds = JSON.null
        var floorHow = JSON.null
        switch figure.floor {
        case .rounds(let values, let how):
            floorRounds = .array(values.map(JSON.decimal))
            floorHow = .string(how)
        case .absent(let why):
            floorHow = why.isEmpty ? .null : .string(why)
        }
        return .object([
            "scenario": .string(figure.scenario.rawValue), "measure": .string(figure.measure),
            "unit": .string(figure.unit), "value": .decimal(figure.value),
            "rounds": .array(figure.rounds.map(JSON.decimal)),
            "floor": figure.floorValue.map(JSON.decimal) ?? .null, "floor_rounds": floorRounds,
            "floor_how": floorHow, "ratio": figure.ratio.map(JSON.decimal) ?? .null,
            "how": .string(figure.how),
        ])
    }

    private func floorText(of figure: Figure) -> String {
        switch figure.floor {
        case .rounds: figure.floorValue.map { "\(Self.short($0)) \(figure.unit)" } ?? ""
        case .absent(let why): why
        }
    }

    private func howText(of figure: Figure) -> String {
        var text = figure.how
        if figure.rounds.count > 1 { text += "; median of \(figure.rounds.count)" }
        if case .rounds(_, let how) = figure.floor { text += "; floor: \(how)" }
        return text
    }

    /// Three digits that count, or a whole number.
    static func short(_ value: Double) -> String {
        guard value != 0 else { return "0" }
        let decimals =
            switch abs(value) {
            case 100...: 0
            case 10..<100: 1
            case 1..<10: 2
            default: 3
            }
        return fixed(value, decimals)
    }

    private static func ratioText(_ ratio: Double) -> String { fixed(ratio, 2) + " ×" }

    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let scale = [1, 10, 100, 1000][min(decimals, 3)]
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let rest = String(scaled % scale)
        return sign + "\(scaled / scale)." + String(repeating: "0", count: decimals - rest.count)
            + rest
    }
}
