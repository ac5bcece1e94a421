import TasqTesting
import Testing

@Suite struct EventuallyTests {
    @Test func `It returns as soon as the condition holds`() async throws {
        var looks = 0
        try await eventually("three looks") {
            looks += 1
            return looks == 3
        }
        #expect(looks == 3)
    }

    @Test func `When the time is over it names what was waited for and the last error`() async {
        struct Refused: Error {}
        await #expect {
            try await eventually(within: .milliseconds(20), "the door opens") { throw Refused() }
        } throws: { error in
            "\(error)".contains("the door opens") && "\(error)".contains("Refused")
        }
    }
}
