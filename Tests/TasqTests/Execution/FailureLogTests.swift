import Testing

@testable import Tasq

@Suite struct FailureLogTests {
    @Test(arguments: [
        ("", ""), ("one", "one"), ("one\ntwo", "two"), ("one\r\ntwo\n \t\n", "two"), ("\n\n", ""),
    ])
    func `What is told of a reason is the last line that says anything`(
        reason: String, line: String
    ) {
        #expect(FailureLog.lastLine(of: reason) == line)
    }

    @Test func `A long line is cut at a character's border`() {
        let limit = FailureLog.reasonBytes
        let fits = String(repeating: "é", count: limit / 2)
        #expect(FailureLog.lastLine(of: fits) == fits)
        #expect(FailureLog.lastLine(of: fits + "é") == fits + "…")
        // One character of any length: what is bounded is bytes.
        let endless = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(FailureLog.lastLine(of: endless).utf8.count <= limit + 3)
    }
}
