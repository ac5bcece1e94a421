import Testing

@testable import Tasq

@Suite struct HandlerTableTests {
    @Test func `Its kinds are written as LIKE reads them`() throws {
        var table = HandlerTable()
        #expect(table.kinds.isEmpty)
        for pattern in ["send_mail", "report.*", "report.*", "b"] {
            try table.add(pattern, Handler { _ in })
        }
        #expect(table.kinds == ["b", "report.%", "send\\_mail"])
        try table.add("*", Handler { _ in })
        #expect(table.kinds == ["%"])
    }
}
