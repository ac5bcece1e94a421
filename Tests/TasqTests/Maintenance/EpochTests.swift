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

    @Test(
        arguments: [
            ("a:10:7301.16384-16390:orders/tasq:5", .confirmed),
            ("a:9:7301.16384-16390:orders/tasq:5", .forgotten),
            ("a:10:7301.16384-16390:orders/tasq:6", .others(isOlder: false)),
            ("a:9:7301.16384-16390:orders/tasq:4294967295", .others(isOlder: true)),
            // Of before, or no number at all.
            ("a:10:7301.16384-16390:orders/tasq", .confirmed),
            ("a:9:7301.16384-16390:orders/tasq", .forgotten), ("a:9", .forgotten),
            ("a:9:7301.16384-16390:orders/tasq:4294967296", .forgotten),
            ("b:9:7301.16384-16390:x/tasq:6", .foreign("x/tasq")),
        ] as [(String, Epoch.Reading)])
    func `Of this database's marks those of another holder are told apart by their number`(
        mark: String, reading: Epoch.Reading
    ) {
        let known = Epoch(database: database, counter: 10, number: 5)
        #expect(known.reading(of: mark) == reading)
        // Nobody's number is another one.
        let isOlder = mark.hasPrefix("a:9")
        if mark.hasPrefix("a") {
            #expect(
                Epoch(database: database, counter: 10).reading(of: mark)
                    == (isOlder ? .forgotten : .confirmed))
        }
    }

    @Test func `A number that is back where another stood is no new holder's`() throws {
        func marks(_ numbers: [UInt32?]) throws -> [Epoch.Mark] {
            try numbers.map { number in
                let epoch = Epoch(database: database, counter: 1, number: number)
                return try #require(Epoch.Mark(epoch.mark))
            }
        }
        func shows(_ looks: [[UInt32?]]) throws -> Bool {
            var numbers = MarkNumbers()
            var found = false
            for look in looks { found = numbers.shows(try marks(look)) || found }
            return found
        }
        #expect(try !shows([[1], [1], [2], [2]]))
        #expect(try !shows([[1, 1], [1, 2], [2, 2]]))
        #expect(try !shows([[nil], [1], [nil], [nil]]))
        #expect(try shows([[1], [2], [1]]))
        #expect(try shows([[1], [1], [2], [2], [1]]))
    }

    @Test func `A program of before reads a mark with a number as its own`() throws {
        let mark = Epoch(database: database, counter: 10, number: 5).mark
        // It took all behind the third colon for the name, and compared no names.
        let parts = mark.split(separator: ":", maxSplits: 3)
        #expect(parts.prefix(3) == ["a", "10", "7301.16384-16390"])
        #expect(parts.last == "orders/tasq:5")
    }

    @Test func `A mark is read as it was written, whatever the database is called`() throws {
        for name in ["orders/tasq", "a:b:c/d", "", "täsq/x", String(repeating: "x", count: 500)] {
            let database = StoreIdentity(epoch: "e", place: "1-2", system: "", name: name)
            for number in [nil, 0, UInt32.max] as [UInt32?] {
                let written = Epoch(database: database, counter: 77, number: number).mark
                let mark = try #require(Epoch.Mark(written))
                #expect(mark.database == database && mark.counter == 77)
                #expect(mark.number == number && mark.isFrom(database))
                #expect(mark.name.unicodeScalars.count <= 128)
            }
        }
    }
}
