import Testing

@testable import Tasq

@Suite struct StandstillTests {
    private let start = ContinuousClock.now

    @Test func `What stands still for its whole patience is abandoned, not a look earlier`() {
        var watch = Standstill<String, Int>(longestGap: .seconds(3))
        for second in stride(from: 0, to: 8, by: 2) {
            #expect(look(&watch, ["a": 7], second).isEmpty)
        }
        #expect(look(&watch, ["a": 7], 8) == ["a": 7])
        #expect(look(&watch, ["a": 7], 9) == ["a": 7], "nobody took it")
    }

    @Test func `What is renewed is never abandoned, even if it goes back to what it was`() {
        var watch = Standstill<String, Int>(longestGap: .seconds(3))
        for second in 0..<100 {
            #expect(look(&watch, ["a": second / 4 % 2], second).isEmpty)
        }
    }

    @Test func `Each is judged by itself, and forgotten when it is gone`() {
        var watch = Standstill<String, Int>(longestGap: .seconds(3))
        for second in 0..<8 {
            #expect(look(&watch, ["a": 1, "b": second], second).isEmpty)
        }
        #expect(look(&watch, ["a": 1, "b": 8], 8) == ["a": 1])
        #expect(look(&watch, ["b": 8], 9).isEmpty)
        #expect(look(&watch, ["a": 1, "b": 8], 10).isEmpty, "it came anew")
        for second in 11..<16 { #expect(look(&watch, ["a": 1], second).isEmpty) }
    }

    @Test func `Time in which nobody could look does not count`() {
        var watch = Standstill<String, Int>(longestGap: .seconds(3))
        for second in 0..<7 { #expect(look(&watch, ["a": 1], second).isEmpty) }
        #expect(look(&watch, ["a": 1], 600).isEmpty)
        for second in 601..<608 { #expect(look(&watch, ["a": 1], second).isEmpty) }
        #expect(look(&watch, ["a": 1], 608) == ["a": 1])
        watch.reset()
        #expect(look(&watch, ["a": 1], 609).isEmpty)
    }

    private func look(
        _ watch: inout Standstill<String, Int>, _ states: [String: Int], _ second: Int
    ) -> [String: Int] {
        let sights = states.mapValues {
            Standstill<String, Int>.Sight(state: $0, patience: .seconds(8))
        }
        return watch.look(at: sights, now: start + .seconds(second))
    }
}
