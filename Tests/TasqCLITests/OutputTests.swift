import Logging
import Synchronization
import Tasq
import Testing

@testable import TasqCLI

struct OutputTests {
    @Test func `Columns are as wide as their widest cell and numbers stand at the right`() {
        var table = Table([.init(heading: "NAME"), .init(heading: "N", isNumber: true)])
        table.add([.init("a"), .init("1")])
        table.add([.init("long"), .init("1000")])
        #expect(table.text(styled: false) == "NAME     N\na        1\nlong  1000\n")
    }

    @Test func `Colour changes no width and appears only when asked for`() {
        var table = Table([.init(heading: "S"), .init(heading: "T")])
        table.add([.init("x", .good), .init("y")])
        let plain = table.text(styled: false)
        let styled = table.text(styled: true)
        #expect(!plain.contains("\u{1B}"))
        #expect(styled.contains("\u{1B}[32mx\u{1B}[0m  y"))
    }

    @Test func `A control character in a cell cannot reach the terminal`() {
        var table = Table([.init(heading: "R")])
        table.add([.init("a\u{1B}[2Jb\nc\u{9B}")])
        #expect(table.text(styled: false) == "R\na\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}\n")
    }

    @Test(arguments: Array(0x202A...0x202E) + Array(0x2066...0x2069))
    func `What would turn the text around it cannot reach the terminal either`(
        value: Int
    ) throws {
        let scalar = try #require(Unicode.Scalar(UInt32(value)))
        let text = "a\(scalar)b"
        #expect(Table.Cell(text).text == "a\u{FFFD}b")
        #expect(LineLog.oneLine(text) == "a b")
        #expect(JSON.string(text).text == "\"a\\u\(String(value, radix: 16))b\"")
    }

    @Test(arguments: [
        (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false),
        (true, ["NO_COLOR": ""], true), (true, ["TERM": "dumb"], false),
    ])
    func `Colour is for terminals without NO_COLOR`(
        isTerminal: Bool, environment: [String: String], expected: Bool
    ) {
        #expect(Style.isWanted(isTerminal: isTerminal, environment: environment) == expected)
    }

    @Test func `JSON keeps the order of members and escapes what must be`() {
        let json = JSON.object([
            "b": 1, "a": .array([.bool(true), .null]), "c": "\"\\\n\u{1}ü", "d": .decimal(1.5),
            "e": .decimal(2), "f": .decimal(.infinity),
        ])
        #expect(
            json.text
                == #"{"b":1,"a":[true,null],"c":"\"\\\n\u0001ü","d":1.5,"e":2,"f":null}"#)
    }

    @Test func `A log event is one line whatever it says`() throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "t") { _ in
            LineLog(level: LogLevel(.info)) { line in lines.withLock { $0.append(line) } }
        }
        logger.info("one\ntwo", metadata: ["b": "x y", "a": "z\u{1B}"])
        logger.debug("nothing")
        let line = try #require(lines.withLock { $0.first })
        #expect(lines.withLock { $0.count } == 1)
        #expect(line.hasSuffix(#" info one two a="z " b="x y""#))
        #expect(Timestamp(rfc3339: String(line.prefix { $0 != " " })) != nil)
    }

    @Test(arguments: [
        (
            LogFormat.logfmt,
            #"level=info msg="one two" b.c="x=\"y\" \\ z" level_="" of_it=" " q="\"\#u{301} level=error""#
        ),
        (
            .json,
            #""level":"info","message":"one\ntwo","b.c":"x=\"y\" \\ z","level_":"","of it":"\u001b","q":"\"\#u{301} level=error"}"#
        ),
    ])
    func `A log event for programs is one line that they can take apart`(
        format: LogFormat, rest: String
    ) throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "t") { _ in
            LineLog(level: LogLevel(.info), format: format) { line in
                lines.withLock { $0.append(line) }
            }
        }
        logger.info(
            "one\ntwo",
            metadata: [
                "b.c": #"x="y" \ z"#, "level": "", "of it": "\u{1B}",
                // What combines with the quote must not hide it.
                "q": "\"\u{301} level=error",
            ])
        let line = try #require(lines.withLock { $0.first })
        #expect(lines.withLock { $0.count } == 1)
        #expect(line.hasPrefix(format == .json ? #"{"time":""# : "time="))
        #expect(line.hasSuffix(rest), "\(line)")
        #expect(line.contains("T") && !line.contains("\n"))
    }

    @Test(arguments: [
        (StoreError.unavailable("x"), Failure.Code.unavailable), (.unknown("x"), .tryAgain),
        (.rejected(sqlState: "22000", "x"), .badData), (.denied("x"), .denied),
        (.misconfigured("x"), .misconfigured), (.unreadable("x"), .misconfigured),
    ])
    func `Each store error has its exit code`(error: StoreError, code: Failure.Code) {
        #expect(Failure(error as any Error).code == code)
    }

    @Test func `A full queue asks to try again, one that never has room does not`() throws {
        let limit = try FlowLimit(queue: .defaultQueue, maxDepth: 3)
        var refusal = QueueFull(
            cause: .depth, limit: limit, level: 3, oldestWait: nil, retryAfter: .seconds(7))
        #expect(Failure(StoreError.full(refusal)).code == .tryAgain)
        refusal.retryAfter = nil
        #expect(Failure(StoreError.full(refusal)).code == .refused)
    }

    @Test func `Percentiles are by nearest rank`() {
        let report = DemoReport(
            tally: .init(), arrivals: [:], jobs: [], behindBacklog: [], waitingAtFlush: 0,
            recovery: nil)
        let values = (1...100).map { Duration.milliseconds($0) }
        #expect(report.percentile(50, of: values) == .milliseconds(50))
        #expect(report.percentile(99, of: values) == .milliseconds(99))
        #expect(report.percentile(99, of: [.seconds(1)]) == .seconds(1))
        #expect(report.percentile(50, of: []) == .zero)
    }

    @Test func `The demo's report counts a lost and a twice run job as such`() throws {
        let now = ContinuousClock.now
        let ids = (0..<3).map { _ in JobID() }
        var tally = DemoTraffic.Tally()
        for id in ids { tally.accepted[id.description] = now }
        var once = DemoReceiver.Arrivals(first: now)
        once.taken = 1
        var twice = once
        twice.taken = 2
        let jobs = try ids.prefix(2).map { try record($0, .success) } + [record(ids[2], .queued)]
        func report(_ arrivals: [DemoReceiver.Arrivals?]) -> DemoReport {
            let pairs = zip(ids, arrivals).compactMap { id, arrivals in
                arrivals.map { (id.description, $0) }
            }
            return DemoReport(
                tally: tally, arrivals: Dictionary(uniqueKeysWithValues: pairs), jobs: jobs,
                behindBacklog: [], waitingAtFlush: 1, recovery: .zero)
        }
        let bad = report([once, twice, nil])
        #expect(bad.lost == 1)
        #expect(bad.runTwice == 1)
        #expect(bad.executed == 2)
        #expect(!bad.isClean)
    }

    private func record(_ id: JobID, _ status: JobStatus) throws -> JobRecord {
        JobRecord(
            id: id, kind: try Name("k"), options: JobOptions(maxAttempts: 1), status: status,
            attempt: 1, crashes: 0, uniqueKey: nil, payloadID: PayloadID(),
            enqueuedAt: .now, runAt: .now, claimedAt: nil, finishedAt: nil, worker: nil,
            reason: nil)
    }
}
