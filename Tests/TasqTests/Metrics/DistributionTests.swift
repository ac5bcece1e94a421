import TasqTesting
import Testing

@testable import Tasq

struct DistributionTests {
    private func page(_ distribution: Distribution) throws -> Exposition {
        try Exposition(
            PrometheusText.page(of: [
                Metric("h_seconds", .histogram, help: "H.", samples: distribution.samples())
            ]))
    }

    @Test func `A duration falls into the first bucket that holds it, bounds included`() throws {
        let times = Distribution(.statement)
        for duration: Duration in [
            .zero, .microseconds(100), .microseconds(101), .milliseconds(1), .seconds(10),
            .seconds(11), .seconds(-1),
        ] { times.observe(duration) }
        let page = try page(times)
        #expect(page["h_seconds_bucket", ["le": "0.0001"]] == 3)
        #expect(page["h_seconds_bucket", ["le": "0.00025"]] == 4)
        #expect(page["h_seconds_bucket", ["le": "0.001"]] == 5)
        #expect(page["h_seconds_bucket", ["le": "10"]] == 6)
        #expect(page["h_seconds_bucket", ["le": "+Inf"]] == 7)
        let sum = try #require(page["h_seconds_sum"])
        #expect(abs(sum - 21.001201) < 1e-6)
    }

    @Test func `Nothing is lost between several that add and one that reads`() async throws {
        let batches = Distribution(.batch)
        let each = 700_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for number in 0..<each { batches.observe(number % 3) } }
            }
            group.addTask {
                // Reading while others add never shows less than before.
                var last = 0
                for _ in 0..<200 {
                    let count = batches.count
                    #expect(count >= last)
                    last = count
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        let page = try page(batches)
        #expect(page["h_seconds_count"] == Double(4 * each))
        let sum = 4 * (0..<each).reduce(0) { $0 + $1 % 3 }
        #expect(page["h_seconds_sum"] == Double(sum))
    }

    @Test func `Sums survive words that are full and durations of days`() throws {
        let times = Distribution(.job)
        // Six hours are more than a word takes at once, three are not.
        for hours in [3, 6, 6, 3, 24 * 365] {
            for _ in 0..<40 { times.observe(.seconds(hours * 3600)) }
        }
        let page = try page(times)
        #expect(page["h_seconds_count"] == 200)
        let seconds = Double((3 + 6 + 6 + 3 + 24 * 365) * 3600 * 40)
        #expect(abs(try #require(page["h_seconds_sum"]) - seconds) < 0.001)
        times.observe(.seconds(Int64.max))
        #expect(times.count == 201)
    }
}

struct LabelledTests {
    @Test func `Keys beyond the limit have no meter, and who has one keeps it`() async {
        let counters = Labelled<String, Counter> { _ in Counter() }
        // What each task counted in a meter, and how often it was given none.
        let seen = await withTaskGroup(of: (met: [String: Int], without: Int).self) { group in
            for task in 0..<4 {
                group.addTask {
                    var met: [String: Int] = [:]
                    var without = 0
                    for number in 0..<1000 {
                        let key = "kind-\((number + task * 7) % 500)"
                        if let counter = counters[key] {
                            counter.add()
                            met[key, default: 0] += 1
                        } else {
                            without += 1
                            #expect(met[key] == nil, "\(key) had one")
                        }
                    }
                    return (met, without)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let all = counters.all
        #expect(all.count == LabelLimit.texts)
        #expect(Set(all.map(\.key)).count == all.count)
        #expect(all.reduce(0) { $0 + $1.meter.value } + seen.reduce(0) { $0 + $1.without } == 4000)
        for (key, meter) in all {
            #expect(meter.value == seen.reduce(0) { $0 + ($1.met[key] ?? 0) })
        }
    }
}

struct PrometheusTextTests {
    @Test func `Labels and help are escaped, one name is described once`() {
        let text = PrometheusText.page(of: [
            Metric(
                "a", .gauge, help: "One\\two\nthree",
                samples: [.init(1.5, labels: [.init("l", "q\"b\\n\nx")])]),
            Metric("b", .counter, help: "B.", value: 3),
            Metric("a", .gauge, help: "again", samples: [.init(.infinity)]),
        ])
        #expect(
            text == #"""
                # HELP a One\\two\nthree
                # TYPE a gauge
                a{l="q\"b\\n\nx"} 1.5
                a +Inf
                # HELP b B.
                # TYPE b counter
                b 3

                """#)
    }
}

struct ExpositionTests {
    private static let good = """
        # HELP a_total A.
        # TYPE a_total counter
        a_total{x="1",y="\\"q\\\\\\n"} 2
        a_total 0
        # HELP h_seconds H.
        # TYPE h_seconds histogram
        h_seconds_bucket{le="0.5"} 1
        h_seconds_bucket{le="+Inf"} 3
        h_seconds_sum 4.5
        h_seconds_count 3

        """

    @Test func `A sound page is read`() throws {
        let page = try Exposition(Self.good)
        #expect(page["a_total", ["y": "\"q\\\n", "x": "1"]] == 2)
        #expect(page["h_seconds_bucket", ["le": "+Inf"]] == 3)
        #expect(page.sum("a_total") == 2)
    }

    @Test(arguments: [
        ("a_total 0\n", "a_total 0\na_total 0\n"), ("a_total 0\n", "a_total -1\n"),
        ("a_total 0\n", "a_total x\n"), ("a_total 0\n", "b_total 0\n"), ("a_total 0\n", "\n"),
        ("a_total 0\n", "a_total 0 1700000000\n"), ("# HELP a_total A.\n", ""),
        ("# TYPE a_total counter\n", ""), ("counter", "untyped"), ("counter", "gauge"),
        ("# HELP h_seconds H.\n", "# HELP a_total A.\n"), ("x=\"1\"", "x=\"1"), ("x=", "1x="),
        ("x=\"1\"", "y=\"1\""), ("\\\\\\n", "\\z"), ("{le=\"0.5\"} 1", "{le=\"0.5\"} 4"),
        ("le=\"0.5\"", "le=\"half\""), ("_count 3", "_count 4"), ("h_seconds_sum 4.5\n", ""),
        ("h_seconds_bucket{le=\"+Inf\"} 3\n", ""), ("le=\"0.5\"", "le=\"+Inf\""),
        ("h_seconds_count 3\n", "h_seconds_count 3"),
    ])
    func `A flaw is found`(what: String, instead: String) {
        let page = Self.good.replacing(what, with: instead, maxReplacements: 1)
        #expect(page != Self.good)
        #expect(throws: Exposition.Flaw.self, "\(page)") { try Exposition(page) }
    }
}
