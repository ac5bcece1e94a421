import Testing

@testable import Tasq

struct HoldReasonTests {
    @Test(arguments: [
        (HoldReason.Cause.failures(1, last: "answered 500"), HoldState.failing),
        (.failures(7, last: "no route\nto host"), .failing), (.silence(16), .silent),
        (.recovery, .recovering),
    ])
    func `What a sentence says is read from it again`(cause: HoldReason.Cause, state: HoldState) {
        for subject in ["https://ci.example:443", "http://[::1]:80"] {
            let text = HoldReason(of: subject, cause).text
            let read = HoldReason.read(text)
            #expect(read?.subject == subject && read?.state == state, "\(text)")
        }
    }

    @Test(arguments: [
        "", "held back since ", "held back since  failed once", "held back since x",
        "held back since x fails", "https://ci.example:443/hook answered 429",
        "it was held back since x failed once",
    ])
    func `Another text says nothing of that`(text: String) {
        #expect(HoldReason.read(text) == nil)
    }
}
