import Tasq
import Testing

@testable import TasqPostgres

@Suite struct ConnectGateTests {
    let start = ContinuousClock.now
    let down = StoreError.unavailable("down")

    @Test func `It stands open until a failure`() {
        var gate = ConnectGate()
        let admitted = [gate.admits(at: start), gate.admits(at: start)]
        #expect(admitted == [true, true])
    }

    @Test func `After a failure it admits one at a time, and later each time, up to its cap`() {
        var gate = ConnectGate()
        var now = start
        var waits: [Duration] = []
        for _ in 0..<8 {
            gate.failed(down, at: now, chance: 1)
            let opens = gate.opensAt ?? now
            waits.append(now.duration(to: opens))
            let isShut = !gate.admits(at: now)
            #expect(isShut)
            now = opens
            let admitted = gate.admits(at: now)
            let admittedTwice = gate.admits(at: now)
            #expect(admitted && !admittedTwice)
        }
        #expect(Array(waits.prefix(5)) == [50, 100, 200, 400, 800].map(Duration.milliseconds))
        #expect(waits.dropFirst(5).allSatisfy { $0 == ConnectGate.longestWait })
    }

    @Test func `Attempts that fail together count once`() {
        var gate = ConnectGate()
        for _ in 0..<10 { gate.failed(down, at: start, chance: 1) }
        #expect(gate.opensAt == start + ConnectGate.shortestWait)
    }

    @Test func `A wrong password is not tried again for a while`() {
        var gate = ConnectGate()
        gate.failed(.denied("password"), at: start, chance: 1)
        #expect(gate.opensAt == start + ConnectGate.refusalWait)
    }

    @Test func `A success opens it`() {
        var gate = ConnectGate()
        gate.failed(down, at: start)
        gate.succeeded()
        let admitted = gate.admits(at: start)
        #expect(admitted)
        #expect(gate.reason == nil)
    }
}
