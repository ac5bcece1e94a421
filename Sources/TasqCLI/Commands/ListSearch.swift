import Tasq

/// Pages of a list, one after the other, where one look takes a bounded number of rows.
struct ListSearch<Row, Place: CustomStringConvertible> {
    /// Pages that one search asks for, at most.
    static var pages: Int { 100 }

    private(set) var rows: [Row] = []
    /// Where the next page begins; `nil` after the last.
    private(set) var next: Place?
    /// Whether it ended for having asked for as many pages as it may.
    private(set) var isCut = false
    private let limit: Int

    init(from start: Place?, limit: Int) {
        next = start
        self.limit = limit
    }

    /// Goes on where a page ended short, until there are as many rows as asked for, none is left, or
    /// it has asked often enough; tells on a terminal how far it has come.
    mutating func run(
        pages: Int = Self.pages,
        _ page: (Place?, _ count: Int) async throws -> ([Row], Place?),
        time: (Place) -> Timestamp
    ) async throws {
        let progress = Progress(isShown: StandardError.isTerminal)
        defer { progress.clear() }
        for _ in 0..<pages {
            let (found, following) = try await page(next, limit - rows.count)
            rows += found
            next = following
            guard let place = following, rows.count < limit else { return }
            progress.show("searched back to \(time(place)), \(rows.count) found")
        }
        isCut = true
    }

    /// Says on standard error how to go on, so that what is piped on stays a list of rows.
    func tellTheRest(time: (Place) -> Timestamp) {
        guard let next else { return }
        if isCut {
            StandardError.line(
                "searched back to \(time(next)), \(rows.count) found: one search goes no further")
        }
        StandardError.line("more: --cursor \(next)")
    }
}
