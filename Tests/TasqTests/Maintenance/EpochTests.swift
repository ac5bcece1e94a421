import Testing

@testable import Tasq

@Suite struct EpochTests {
    private let database = StoreIdentity(
        epoch: "a", place: "16384-16390", system: "7301", name: "orders/tasq")

    @Test(
        arguments: [
            (nil, .forgotten), ("a:9", .forgotten), ("a:10", .confirmed), ("a:11", .confirmed),
            ("b:10", .foreign("epoch b")), ("", .forgotten), ("a", .forgotten), ("a:", .forgotten),
            ("a:99999999999999999999", .forgotten), ("a:10:", .forgotten), ("a:10:x:y", .forgotten),
            ("a:10:7301.16384-16390:orders/tasq", .confirmed),
            ("a:9:7301.16384-16390:orders/tasq", .forgotten),
            ("a:10:7301.16384-16390:as it was called/before", .confirmed),
            ("a:10:.16384-16390:orders/tasq", .confirmed),
            ("a:10:7302.16384-16390:orders/tasq", .foreign("orders/tasq")),
            ("a:99:7301.16384-16999:orders/copy", .foreign("orders/copy")),
            ("b:10:7301.16384-16390:a:b/\u{1B}[31mtasq", .foreign("a:b/[31mtasq")),
        ] as [(String?, Epoch.Reading)])
    func `A mark proves memory if it is of this database and not older, and names another`(
        mark: String?, reading: Epoch.Reading
    ) {
        #expect(Epoch(database: database, counter: 10).reading(of: mark) == reading)
    }

    @Test func `A mark is read as it was written, whatever the database is called`() throws {
        for name in ["orders/tasq", "a:b:c/d", "", "täsq/x", String(repeating: "x", count: 500)] {
            let database = StoreIdentity(epoch: "e", place: "1-2", system: "", name: name)
            let mark = try #require(
                Epoch.Mark(Epoch(database: database, counter: 77).mark))
            #expect(mark.database == database && mark.counter == 77)
            #expect(mark.isFrom(database) && mark.name.unicodeScalars.count <= 128)
        }
    }
}
