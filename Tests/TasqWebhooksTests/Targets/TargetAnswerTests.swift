import Tasq
import TasqWebhooks
import Testing

@Suite struct TargetAnswerTests {
    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7 ", 7), ("86400", 86_400), ("86401", 86_400),
        ("99999999999", 86_400), ("99999999999999999999999999", 86_400),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10), ("Tue, 14 Nov 2023 22:13:00 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Fri, 31 Dec 2099 23:59:59 GMT", 86_400),
        ("Tue, 14 Nov 9999 22:13:30 GMT", 86_400),
        ("Tuesday, 14-Nov-23 22:13:30 GMT", 10), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Saturday, 14-Nov-73 22:13:30 GMT", 86_400), ("Tuesday, 14-Nov-74 22:13:30 GMT", 0),
        ("Tue Nov 14 22:13:30 2023", 10), ("Sun Nov  6 08:49:37 1994", 0),
        ("Wed Dec  1 00:00:00 2027", 86_400),
    ])
    func `A wait is read and kept within a day`(text: String, seconds: Int) {
        // 1700000000 is Tue, 14 Nov 2023 22:13:20 GMT.
        let answer = TargetAnswer(status: 503, retryAfter: text)
        #expect(answer.wait(now: sampleTime) == .seconds(seconds))
    }

    @Test(arguments: [
        ("Tue, 14 Nov 2023 23:13:20 GMT", 10), ("Tue, 14 Nov 2023 23:13:40 GMT", 0),
        ("yesterday", 3610), ("", 3610),
    ])
    func `A date is compared with the target's own, if it tells that`(
        date: String, seconds: Int
    ) {
        let answer = TargetAnswer(
            status: 503, retryAfter: "Tue, 14 Nov 2023 23:13:30 GMT", date: date)
        #expect(answer.wait(now: sampleTime) == .seconds(seconds))
    }

    @Test(arguments: [
        "", " ", "-1", "+5", "1.5", "1e3", "soon", "\u{661}", "120s", "Tue, 14 Nov 2023",
        "Tue, 31 Feb 2023 22:13:30 GMT", "Tue, 14 Nov 2023 22:13:30 CET",
        "2023-11-14T22:13:30Z", "Tue, 14 Nov 23 22:13:30 GMT", "Tue, 14-Nov-23 22:13:30 GMT",
        "Tuesday, 14-Nov-2023 22:13:30 GMT", "Tuesday, 14-Nov-2x 22:13:30 GMT",
        "Tuesday, 14 Nov 23 22:13:30 GMT", "Someday, 14-Nov-23 22:13:30 GMT",
        "Tuesday, 14-Nov-23 22:13:30 CET", "Tuesday, 31-Feb-23 22:13:30 GMT",
        "Tue Nov 14 22:13:30 23", "Tue Nov 6 22:13:30 2023", "Tue Nov +6 22:13:30 2023",
        "Tue Nov 14 22:13:30  2023", "Tue Nov 14 22:13:30 2023 GMT", "Sun Nov -6 08:49:37 1994",
    ])
    func `A wait that is neither seconds nor a date is ignored`(text: String) {
        #expect(TargetAnswer(status: 503, retryAfter: text).wait(now: sampleTime) == nil)
    }

    @Test func `Later is what is said with a wait, or by 429`() {
        func outcome(_ status: Int, _ wait: String?) -> Outcome? {
            TargetAnswer(status: status, retryAfter: wait).outcome(from: "t")
        }
        #expect(outcome(429, nil) == .later("t answered 429"))
        #expect(outcome(429, "soon") == .later("t answered 429"))
        #expect(outcome(503, nil) == .retry("t answered 503"))
        #expect(outcome(503, "soon") == .later("t answered 503"))
        #expect(outcome(503, "0") == .later(after: .zero, "t answered 503"))
    }

    @Test func `Each status has its outcome`() {
        func outcome(_ status: Int) -> Outcome? {
            TargetAnswer(status: status, retryAfter: "5").outcome(from: "http://t:80")
        }
        for status in 200...299 { #expect(outcome(status) == nil) }
        guard case .fail(let reason) = outcome(410) else {
            Issue.record("410 must fail for good")
            return
        }
        #expect(reason.hasPrefix("http://t:80 answered 410 Gone"))
        #expect(outcome(429) == .later(after: .seconds(5), "http://t:80 answered 429"))
        #expect(outcome(503) == .later(after: .seconds(5), "http://t:80 answered 503"))
        for status in [400, 401, 404, 408, 422, 425, 500, 502, 504, 599] {
            #expect(outcome(status) == .retry("http://t:80 answered \(status)"))
        }
        for status in [301, 302, 303, 304, 307, 308] {
            guard case .retry(nil, _) = outcome(status) else {
                Issue.record("\(status) must be a failure")
                continue
            }
        }
    }

    @Test func `What the target said comes first, the status last; put off, it is not told`() {
        func outcome(_ status: Int, _ wait: String? = nil) -> Outcome? {
            TargetAnswer(status: status, retryAfter: wait, text: "no\nbed").outcome(from: "t")
        }
        for status in [400, 422, 500, 503] {
            #expect(outcome(status) == .retry("no\nbed\nt answered \(status)"))
        }
        #expect(
            outcome(410) == .fail("no\nbed\nt answered 410 Gone: it wants no further deliveries"))
        guard case .retry(nil, let reason) = outcome(302) else {
            Issue.record("302 must be a failure")
            return
        }
        #expect(reason.hasPrefix("no\nbed\nt answered 302: "))
        #expect(outcome(429) == .later("t answered 429"))
        #expect(outcome(503, "5") == .later(after: .seconds(5), "t answered 503"))
        #expect(outcome(204) == nil)
    }

    static let bodies: [([UInt8], String?)] = [
        ([], nil), (Array(" \r\n\t ".utf8), nil), (Array("a\u{0}b".utf8), nil),
        (Array("no bed\r\n".utf8), "no bed"),
        (Array(" \n{\"a\":\n\t1}\n\n".utf8), "{\"a\":\n\t1}"),
        ([0x61, 0xFF, 0x62], "a\u{FFFD}b"), ([0x61, 0xC3], "a\u{FFFD}"),
        (Array("a\u{1B}[2Jb\u{7F}\u{85}c".utf8), "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c"),
    ]

    @Test(arguments: TargetAnswerTests.bodies)
    func `A body is told as text, whatever it is`(body: [UInt8], text: String?) {
        #expect(TargetAnswer.text(of: body) == text)
    }

    @Test func `A body is cut between characters`() {
        let limit = TargetAnswer.textByteLimit
        let fits = String(repeating: "x", count: limit)
        #expect(TargetAnswer.text(of: Array(fits.utf8)) == fits)
        #expect(TargetAnswer.text(of: Array((fits + "x").utf8)) == fits + "…")
        let wide = Array(("x" + String(repeating: "é", count: limit)).utf8)
        let told = TargetAnswer.text(of: wide) ?? ""
        #expect(told == "x" + String(repeating: "é", count: (limit - 1) / 2) + "…")
        let noise = [UInt8](repeating: 0xFF, count: 4096)
        #expect(TargetAnswer.text(of: noise)?.utf8.count == limit / 3 * 3 + 3)
    }

    @Test func `What a request proved itself by is not told, cut off or not`() {
        let (long, short) = (Array("hunter2-hunter2".utf8), Array("hunter2-".utf8))
        let body = Array("you sent hunter2-hunter2, and hunter2-".utf8)
        let told = TargetAnswer.text(of: body, hiding: [short, long])
        #expect(told == "you sent ***, and ***")
        for length in 0...body.count {
            let cut = TargetAnswer.text(
                of: Array(body.prefix(length)), isWhole: false, hiding: [long])
            #expect(cut?.contains("hun") != true, "\(cut ?? "")")
        }
    }
}
