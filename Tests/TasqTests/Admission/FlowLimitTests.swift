import Testing

@testable import Tasq

@Suite struct FlowLimitTests {
    private func refusal(_ depth: Int?, _ age: Duration?) -> InvalidInput? {
        do throws(InvalidInput) {
            _ = try FlowLimit(queue: .defaultQueue, maxDepth: depth, maxAge: age)
            return nil
        } catch {
            return error
        }
    }

    @Test func `A limit has a depth, an age or both, and the member at fault is named`() {
        for (depth, age, field) in [
            (nil, nil, "limit"), (0, nil, "max_depth"), (-1, nil, "max_depth"),
            (1_000_001, nil, "max_depth"), (Int.max, nil, "max_depth"),
            (nil, Duration.zero, "max_age"), (nil, .milliseconds(999), "max_age"),
            (5, .seconds(-1), "max_age"), (5, JobLimits.delay, "max_age"),
        ] as [(Int?, Duration?, String)] {
            #expect(refusal(depth, age)?.field == field)
        }
        #expect(refusal(nil, .zero)?.rule == "must be between 1s and 365d")
        #expect(refusal(0, nil)?.rule == "must be a whole number from 1 to 1000000")
        for (depth, age) in [
            (1, nil), (1_000_000, .seconds(1)), (nil, .seconds(365 * 86_400)),
        ] as [(Int?, Duration?)] {
            #expect(refusal(depth, age) == nil)
        }
    }

    @Test func `A full queue may be tried again, a batch that never fits may not`() throws {
        let limit = try FlowLimit(queue: .defaultQueue, maxDepth: 1)
        var refusal = QueueFull(
            cause: .depth, limit: limit, level: 1, oldestWait: nil, retryAfter: .seconds(1))
        #expect(StoreError.full(refusal).isTransient)
        #expect("\(StoreError.full(refusal))".contains("queue default takes no more now"))
        refusal.retryAfter = nil
        #expect(!StoreError.full(refusal).isTransient)
    }
}
