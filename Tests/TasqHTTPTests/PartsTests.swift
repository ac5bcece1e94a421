import NIOHTTP1
import Tasq
import TasqPostgres
import Testing

@testable import TasqHTTP

struct DurationTextTests {
    @Test(arguments: [
        ("0s", Duration.zero), ("250ms", .milliseconds(250)), ("15s", .seconds(15)),
        ("5m", .seconds(300)), ("6h", .seconds(21_600)), ("7d", .seconds(604_800)),
    ])
    func `A number and a unit are a duration, and are written the same way`(
        _ text: String, _ duration: Duration
    ) throws {
        #expect(try DurationText.parse(text, field: "delay") == duration)
        #expect(DurationText.format(duration) == text)
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "+5s", "1.5s", "5 s", "5S", "5min", "1h30m", "٥s",
        "99999999999999999999s", "9223372036854775807d", "36501d",
    ])
    func `Anything else is refused by the name of its field`(_ text: String) {
        let error = #expect(throws: InvalidInput.self) {
            try DurationText.parse(text, field: "delay")
        }
        #expect(error?.field == "delay")
    }

    @Test func `Durations that no unit divides are written in the next smaller one`() {
        #expect(DurationText.format(.milliseconds(1500)) == "1500ms")
        #expect(DurationText.format(.seconds(90)) == "90s")
        #expect(DurationText.format(.seconds(Int64.max)) == "\(Int64.max)s")
    }
}

struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8081", "127.0.0.1:8081", true), (":8080", "0.0.0.0:8080", false),
        ("[::1]:0", "[::1]:0", true), ("[::]:80", "[::]:80", false),
        ("localhost:1", "localhost:1", true),
        ("127.evil.example.com:1", "127.evil.example.com:1", false),
        ("127.0.0.1.evil:1", "127.0.0.1.evil:1", false), ("10.0.0.1:1", "10.0.0.1:1", false),
    ])
    func `An address is a host and a port, and may be loopback`(
        _ text: String, _ written: String, _ isLoopback: Bool
    ) throws {
        let address = try ListenAddress(text, field: "ingest")
        #expect(address.description == written)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "8080", "host", "::1:80", "host:65536", "host:-1", "host:"])
    func `Anything else is refused`(_ text: String) {
        #expect(throws: InvalidInput.self) { try ListenAddress(text, field: "ingest") }
    }

    @Test func `The admin listener does not leave loopback without a token`() async throws {
        let error = #expect(throws: InvalidInput.self) {
            try Self.admin(at: "0.0.0.0:0", tokens: [])
        }
        #expect(error?.field == "TASQ_ADMIN_TOKEN")
        _ = try Self.admin(at: "0.0.0.0:0", tokens: [AdminToken("t", role: .read)])
        for token in ["", "a b", "a\nb", "é", String(repeating: "x", count: 1001)] {
            #expect(throws: InvalidInput.self) { try AdminToken(token, role: .read) }
        }
    }

    private static func admin(
        at address: String, tokens: [AdminToken]
    ) throws -> AdminServer {
        let store = try unreachableStore()
        return try AdminServer(
            address: ListenAddress(address, field: "admin"), tokens: tokens,
            queue: Queue(store: store), catalog: store, readiness: Readiness(),
            meters: HTTPMeters(), logger: quiet)
    }
}

struct JSONSlicesTests {
    @Test(arguments: [
        #"{"a":1}"#, #" { "a" : [1, {"b":"]}\""}] , "c":"x\\" } "#, #"{"a":{},"b":[],"c":null}"#,
        #"{"a":-1.5e+3,"b":true}"#, "{}",
    ])
    func `Members are cut out as they were written`(_ text: String) throws {
        let json = try JSONSlices(Array(text.utf8), field: "body")
        let members = try #require(json.members(of: json.whole))
        let joined = members.map { name, value in
            "\"\(name)\":" + String(decoding: value, as: UTF8.self)
        }.joined(separator: ",")
        // Every value comes back byte for byte; only the blanks between them are gone.
        for (_, value) in members {
            #expect(text.contains(String(decoding: value, as: UTF8.self)))
        }
        let again = try JSONSlices(Array("{\(joined)}".utf8), field: "body")
        #expect(
            again.members(of: again.whole)?.map(\.value).map(Array.init)
                == members.map { Array($0.value) })
    }

    @Test func `Elements are cut out as they were written`() throws {
        let json = try JSONSlices(Array(#"[ 1 ,"a,b", [2,3] ,{"x":[]}]"#.utf8), field: "body")
        let elements = json.elements(of: json.whole)?.map { String(decoding: $0, as: UTF8.self) }
        #expect(elements == ["1", #""a,b""#, "[2,3]", #"{"x":[]}"#])
        #expect(json.members(of: json.whole) == nil)
    }
}

struct HTTPDateTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("2028-02-29T23:59:59.999Z", "Tue, 29 Feb 2028 23:59:59 GMT"),
    ])
    func `Times are written as RFC 9110 says`(_ text: String, _ written: String) throws {
        let time = try #require(Timestamp(rfc3339: text))
        #expect(HTTPDate(time).description == written)
    }
}

struct ProblemTests {
    @Test func `A full queue is 429 and says when, one that never has room is 422`() throws {
        let limit = try FlowLimit(queue: Name("q"), maxDepth: 3)
        var refusal = QueueFull(
            cause: .depth, limit: limit, level: 3, oldestWait: nil, retryAfter: .seconds(7))
        let full = Problem(StoreError.full(refusal)).answer(to: RequestID())
        #expect(full.status.code == 429)
        #expect(full.headers.first { $0.name == "Retry-After" }?.value == "7")
        let text = String(decoding: full.body, as: UTF8.self)
        #expect(member("code", of: text) == "queue-full" && text.contains("queue q takes no more"))
        let untold = Problem.full(refusal, isTold: false)
        #expect(untold.detail == nil && untold.reason.contains("queue q"))
        refusal.cause = .batch
        refusal.retryAfter = nil
        let never = Problem(StoreError.full(refusal)).answer(to: RequestID())
        #expect(never.status.code == 422 && never.headers.isEmpty)
        #expect(member("code", of: String(decoding: never.body, as: UTF8.self)) == "over-limit")
    }

    @Test func `No reason of PostgreSQL's reaches an answer`() {
        let reason = "duplicate key violates \"job_pkey\""
        let errors: [(StoreError, Int)] = [
            (.unavailable(reason), 503), (.unknown(reason), 503), (.denied(reason), 503),
            (.misconfigured(reason), 503), (.unreadable(reason), 503),
            (.rejected(sqlState: "23505", reason), 422),
        ]
        for (error, status) in errors {
            let answer = Problem(error).answer(to: RequestID())
            #expect(Int(answer.status.code) == status)
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(!text.contains("duplicate") && !text.contains("23505"))
            let code = status == 503 ? "not-durable" : "rejected"
            #expect(member("code", of: text) == code)
            let later = answer.headers.first { $0.name == "Retry-After" }.flatMap { Int($0.value) }
            #expect(later.map { (1...10).contains($0) } == (status == 503 ? true : nil))
        }
    }

    @Test func `Strings are escaped whatever is in them`() {
        var json = JSONWriter()
        json.string("\"\\\n\u{0}\u{7f}é</script>")
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #""\"\\\u000a\u0000\u007fé</script>""#)
    }
}

struct RefusalPaceTests {
    @Test func `Ten are told a minute, and the next line says how many were not`() throws {
        var pace = RefusalPace()
        let start = ContinuousClock.now
        let (mine, other) = (try Name("mine"), try Name("other"))
        let first = (0..<60).map { pace.admits(mine, at: start + .seconds($0)) }
        #expect(first.prefix(10).allSatisfy { $0 == 0 })
        #expect(first.dropFirst(10).allSatisfy { $0 == nil })
        // What others send takes nobody's turn.
        let others = [other, nil].map { pace.admits($0, at: start + .seconds(59)) }
        #expect(others == [0, 0])
        let second = (60..<62).map { pace.admits(mine, at: start + .seconds($0)) }
        #expect(second == [50, 0])
    }
}
