import Testing

@testable import Tasq

struct ByteBudgetTests {
    private static let much = ByteBudget.little + 1

    @Test func `Much waits in turn, and little goes past it`() async {
        let budget = ByteBudget(4 * Self.much)
        #expect(budget.take(2 * Self.much))
        async let first = budget.wait(for: 2 * Self.much, upTo: nil)
        while budget.waiting < 1 { await Task.yield() }
        // There is room for it, but not before the one that waits.
        async let second = budget.wait(for: Self.much, upTo: nil)
        while budget.waiting < 2 { await Task.yield() }
        #expect(budget.take(1))
        budget.giveBack(1)
        budget.giveBack(2 * Self.much)
        #expect(await first)
        #expect(await second)
        #expect(budget.held == 3 * Self.much)
        #expect(budget.waiting == 0)
        budget.giveBack(2 * Self.much)
        budget.giveBack(Self.much)
        #expect(budget.held == 0)
    }

    @Test func `Much leaves a quarter to little`() {
        let budget = ByteBudget(8 * Self.much)
        #expect(!budget.take(7 * Self.much))
        for _ in 0..<6 { #expect(budget.take(Self.much)) }
        #expect(!budget.take(Self.much))
        #expect(budget.take(ByteBudget.little))
        #expect(budget.take(ByteBudget.little))
        #expect(!budget.take(ByteBudget.little))
    }

    @Test func `Little that keeps coming does not keep much out`() async {
        let budget = ByteBudget(8 * ByteBudget.little)
        for _ in 0..<4 { #expect(budget.take(ByteBudget.little)) }
        #expect(!budget.take(ByteBudget.little))
        async let much = budget.wait(for: 6 * ByteBudget.little, upTo: nil)
        while budget.waiting < 1 { await Task.yield() }
        async let little = budget.wait(for: ByteBudget.little, upTo: nil)
        while budget.waiting < 2 { await Task.yield() }
        // While there are more than a quarter nobody comes in the place of those that go.
        for _ in 0..<2 { budget.giveBack(ByteBudget.little) }
        #expect(await much)
        #expect(budget.held == 8 * ByteBudget.little)
        budget.giveBack(ByteBudget.little)
        #expect(await little)
        #expect(budget.held == 8 * ByteBudget.little)
    }

    @Test func `Little that waits goes past much that waits`() async {
        let budget = ByteBudget(8 * ByteBudget.little)
        #expect(budget.take(6 * ByteBudget.little))
        for _ in 0..<2 { #expect(budget.take(ByteBudget.little)) }
        async let much = budget.wait(for: 2 * ByteBudget.little, upTo: nil)
        while budget.waiting < 1 { await Task.yield() }
        async let little = budget.wait(for: ByteBudget.little, upTo: nil)
        while budget.waiting < 2 { await Task.yield() }
        budget.giveBack(ByteBudget.little)
        #expect(await little)
        #expect(budget.waiting == 1)
        budget.giveBack(6 * ByteBudget.little)
        #expect(await much)
    }

    @Test func `Who finds no room in time, or is cancelled, holds nothing and is not in the way`()
        async
    {
        let budget = ByteBudget(2 * Self.much)
        #expect(budget.take(Self.much))
        #expect(await !budget.wait(for: Self.much, upTo: .zero))
        #expect(await !budget.wait(for: Self.much, upTo: .milliseconds(1)))
        let waiter = Task { await budget.wait(for: Self.much, upTo: nil) }
        while budget.waiting < 1 { await Task.yield() }
        waiter.cancel()
        #expect(await !waiter.value)
        #expect(budget.waiting == 0)
        budget.giveBack(Self.much)
        #expect(budget.take(Self.much))
    }

    @Test func `What is more than there will ever be is refused at once`() async {
        let budget = ByteBudget(10)
        #expect(await !budget.wait(for: 11, upTo: nil))
        #expect(budget.held == 0)
    }

    @Test func `A crowd never holds more than there is, and everybody gets a turn`() async {
        let budget = ByteBudget(4 * Self.much)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let bytes = 1 + number * Self.much / 70
                    guard await budget.wait(for: bytes, upTo: nil) else { return false }
                    let isWithin = budget.held <= budget.total
                    await Task.yield()
                    budget.giveBack(bytes)
                    return isWithin
                }
            }
            for await isFine in group { #expect(isFine) }
        }
        #expect(budget.held == 0)
    }
}
