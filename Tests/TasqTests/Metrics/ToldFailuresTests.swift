import Testing

@testable import Tasq

struct ToldFailuresTests {
    private func kinds(_ numbers: Range<Int>) throws -> [FailedKind] {
        try numbers.map { FailedKind(queue: .defaultQueue, kind: try Name("kind-\($0)")) }
    }

    @Test func `A kind keeps its samples while it fails, however many others fail more`() throws {
        let told = ToldFailures()
        let first = try kinds(0..<LabelLimit.texts)
        #expect(told.places(among: first) == Set(first))
        let others = try kinds(1000..<11_000)
        for start in stride(from: 0, to: others.count, by: 500) {
            let page = others[start..<start + 500] + first
            #expect(told.places(among: Array(page)) == Set(first))
        }
    }

    @Test func `The place of a kind of which nothing is left goes to another, once it is wanted`()
        throws
    {
        let told = ToldFailures()
        let first = try kinds(0..<LabelLimit.texts)
        _ = told.places(among: first)
        #expect(told.places(among: []) == Set(first), "it has its place when it fails again")
        let (kept, others) = (first.prefix(10), try kinds(1000..<1500))
        let places = told.places(among: others + kept)
        #expect(places == Set(kept + others.prefix(LabelLimit.texts - 10)))
    }

    @Test func `A kind on two queues is two`() throws {
        let mail = try Name("mail")
        let both = [
            FailedKind(queue: .defaultQueue, kind: mail), FailedKind(queue: mail, kind: mail),
        ]
        #expect(ToldFailures().places(among: both).count == 2)
    }
}
