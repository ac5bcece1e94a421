import Foundation
import TasqTesting
import Testing

@testable import TasqChaos

/// What counts of a file to which several sittings and several builds have added.
struct RecordTests {
    @Test func `A file that is not there has nothing in it`() throws {
        let record = try Record(at: "/nowhere/at/all")
        #expect(record.runs.isEmpty)
        #expect(record.newestBuild == nil)
        #expect(record.remarks(counting: "one") == [])
    }

    @Test func `What cannot be read as a file is an error, and no empty record`() {
        #expect(throws: RecordError.self) { try Record(at: "/") }
        #expect(throws: RecordError.self) { try RecordFile(at: "/", build: "one") }
        #expect(throws: RecordError.self) { try RecordFile(at: "/nowhere/at/all", build: "one") }
    }

    @Test func `A run that has ended is found again, with all that it came to`() throws {
        try inFile { path in
            let file = try RecordFile(at: path, build: "one")
            try file.add(.run("worker-flap", seed: 3, zeroes: ["lost": 2], clean: false))
            let run = try #require(try Record(at: path).runs.first)
            #expect(run.fault == "worker-flap")
            #expect(run.seed == 3)
            #expect(run.build == "one")
            #expect(run.zeroes == ["lost": 2])
            #expect(run.figures["jobs acknowledged"] == 10_010)
            #expect(run.seconds == ["load": 10, "fault": 15.5])
            #expect(run.at?.hasSuffix("Z") == true)
            #expect(try file.record.runs.first?.line() == run.line())
        }
    }

    @Test func `A line that was cut off is passed over with a word, and the next is whole`()
        throws
    {
        try inFile { path in
            let first = try Document.run("calm", seed: 1, build: "one").line()
            let second = try Document.run("calm", seed: 2, build: "one").line()
            try Data("\(first)\n\(second.dropLast(20))".utf8)
                .write(to: URL(fileURLWithPath: path))
            let torn = try Record(at: path)
            #expect(torn.runs.map(\.seed) == [1])
            #expect(
                torn.remarks(counting: "one") == ["line 2 is cut off: its run counts for nothing"])
            #expect(torn.holds(plan("calm", seed: 1), in: "one"))
            #expect(!torn.holds(plan("calm", seed: 2), in: "one"))
            try RecordFile(at: path, build: "one").add(.run("calm", seed: 2))
            let mended = try Record(at: path)
            #expect(mended.runs.map(\.seed) == [1, 2])
            #expect(
                mended.remarks(counting: "one") == ["line 2 is no run and counts for nothing"])
        }
    }

    @Test func `A last line that lacks but its end counts, and is not written into`() throws {
        try inFile { path in
            let first = try Document.run("calm", seed: 1, build: "one").line()
            try Data(first.utf8).write(to: URL(fileURLWithPath: path))
            try RecordFile(at: path, build: "one").add(.run("calm", seed: 2))
            #expect(try Record(at: path).runs.map(\.seed) == [1, 2])
            #expect(try Record(at: path).unread == [])
        }
    }

    @Test func `What another build did is told and not counted`() throws {
        let lines = try [
            Document.run("calm", seed: 1, build: "one"), .run("calm", seed: 2, build: "one"),
            .run("calm", seed: 1, build: nil), .run("calm", seed: 3, build: "two"),
        ].map { try $0.line() }
        let record = Record(Data((lines.joined(separator: "\n") + "\n").utf8))
        #expect(record.newestBuild == "two")
        #expect(record.runs(of: "two").map(\.seed) == [3])
        #expect(
            record.remarks(counting: "two") == [
                "2 runs of the build one are not counted",
                "1 run of the build without a name is not counted",
            ])
        #expect(!record.holds(plan("calm", seed: 1), in: "two"))
        #expect(record.holds(plan("calm", seed: 1), in: "one"))
    }

    @Test func `Only what has held, and asked for as much, stands for a run`() throws {
        func holds(_ run: Document) throws -> Bool {
            try Record(Data((run.line() + "\n").utf8)).holds(plan("calm", seed: 1), in: "one")
        }
        #expect(try holds(.run("calm", seed: 1, build: "one")))
        #expect(try holds(.run("calm", seed: 1, jobs: 20_000, build: "one")))
        #expect(try !holds(.run("calm", seed: 1, build: "one", clean: false)))
        #expect(try !holds(.run("calm", seed: 1, jobs: 9999, build: "one")))
        #expect(try !holds(.run("calm", seed: 2, build: "one")))
        #expect(try !holds(.run("order", seed: 1, build: "one")))
        #expect(try !holds(.run("calm", seed: 1, profile: .defaults, build: "one")))
        #expect(try !holds(.run("calm", seed: 1, workers: 4, build: "one")))
        #expect(try !holds(.run("calm", seed: 1, rate: 100, build: "one")))
        // Its limits were longer than they are here.
        let lenient = Slowness.factor * 2
        #expect(try !holds(.run("calm", seed: 1, slowness: lenient, build: "one")))
        #expect(try !holds(Document(plan("calm", seed: 1), error: "no server")))
    }

    @Test func `A report and the line of it say the same`() throws {
        var report = Report(
            plan: plan("worker-flap", seed: 4),
            findings: [Finding(invariant: "I3", count: 2, examples: ["a: b"])],
            figures: [Figure(name: "healed", value: 100, unit: "ms")])
        report.seconds = [("load", 10), ("fault", 2)]
        let record = Record(Data(report.json.utf8))
        let run = try #require(record.runs.first)
        #expect(record.isOpen)
        #expect(run.isRun(of: report.plan))
        #expect(run.zeroes["overlap"] == 2)
        #expect(!run.clean)
        #expect(!run.isSpoiled)
        #expect(run.wholeSeconds == 12)
        #expect(run.misses == report.misses.map { $0.limit.text(seen: $0.value) })
        #expect(report.text.contains("took: load 10 s, fault 2 s"))
    }

    private func plan(_ fault: String, seed: UInt64) -> Plan {
        Plan(
            fault: Fault.named(fault) ?? .calm, seed: seed, jobs: 10_000, workers: 3,
            profile: .test)
    }

    private func inFile(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "tasq-record-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }
}

extension Document {
    /// A run as a record would have it.
    static func run(
        _ fault: String, seed: UInt64, profile: Profile = .test, jobs: Int = 10_000,
        workers: Int = 3, rate: Double? = nil, slowness: Double = Slowness.factor,
        build: String? = nil, zeroes: [String: Int] = [:], findings: [Finding] = [],
        misses: [String] = [], clean: Bool = true
    ) -> Document {
        Document(
            fault: fault, seed: seed, profile: profile.rawValue, jobs: jobs, workers: workers,
            rate: rate, allLead: false, beside: false, slowness: slowness, clean: clean,
            zeroes: zeroes, findings: findings, timed: ["I24"],
            figures: ["jobs acknowledged": 10_010, "healed": 100, "rate during, share": 99],
            misses: misses, lostWithPrimary: [], evidence: nil,
            seconds: ["load": 10, "fault": 15.5], build: build)
    }
}
