/// Checks the invariants of the tables, and between the tables and Redis. Reads only.
///
/// What seems wrong is looked at again after a pause, and only what is wrong both times counts: a
/// system that works moves between two reads. Memory is bounded whatever the size of the tables
/// and lists: they are walked page by page, long lists in several passes.
public struct Verification: Sendable {
    /// Findings of one walk that are looked at a second time.
    public static let violationLimit = 10_000
    /// How long a worker may take from the take to the claim.
    static let takenPause = Duration.milliseconds(500)

    let catalog: any Catalog
    let store: any JobStore
    let announcer: any Announcer
    let pause: Duration
    /// Whether each id in Redis that is not queued is a violation, and not only counted.
    let namesIDs: Bool
    /// Rows of one page, and ids read from a list at once; at most 10,000.
    let pageLimit: Int
    /// Ids of one queue that are remembered at once.
    let idsAtOnce: Int
    /// Told now and then how far it has come.
    let progress: @Sendable (String) -> Void

    /// Makes a verification that waits for `pause` between its two looks. A pause shorter than the
    /// reaper's three seconds names claims that were just about to be taken back. Ids in Redis that
    /// are not queued are ordinary, and counted; with `namesIDs` each of them is a violation.
    public init(
        catalog: any Catalog, store: any JobStore, announcer: any Announcer,
        pause: Duration = .seconds(5), namesIDs: Bool = false,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.init(
            catalog: catalog, store: store, announcer: announcer, pause: pause, namesIDs: namesIDs,
            pageLimit: 5000, idsAtOnce: 250_000, progress: progress)
    }

    package init(
        catalog: any Catalog, store: any JobStore, announcer: any Announcer, pause: Duration,
        namesIDs: Bool = false, pageLimit: Int, idsAtOnce: Int,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.catalog = catalog
        self.store = store
        self.announcer = announcer
        self.pause = pause
        self.namesIDs = namesIDs
        self.pageLimit = pageLimit
        self.idsAtOnce = idsAtOnce
        self.progress = progress
    }

    /// Looks at everything.
    ///
    /// - Throws: ``StoreError`` or ``AnnouncerError`` when a store cannot be read.
    public func run() async throws -> VerificationReport {
        var report = VerificationReport()
        var first: Set<Violation> = []
        for table in VerifiedTable.allCases {
            let (found, rows) = try await walk(table, &report.isCut)
            first.formUnion(found)
            report.rows += rows
        }
        var announcements = Announcements()
        if announcer.rings { announcements = try await lookAtLists(&report) }
        if !first.isEmpty || !announcements.isEmpty {
            progress("looks again in \(DurationText.format(pause))")
            try await Task.sleep(for: pause)
        }
        if !first.isEmpty {
            var second: Set<Violation> = []
            for table in VerifiedTable.allCases {
                second.formUnion(try await walk(table, &report.isCut).found)
            }
            report.violations = first.intersection(second).sorted {
                ($0.kind.rawValue, $0.subject) < ($1.kind.rawValue, $1.subject)
            }
        }
        if !announcements.isEmpty { try await lookAgain(at: announcements, &report) }
        return report
    }

    /// One table from its first row to its last.
    private func walk(
        _ table: VerifiedTable, _ isCut: inout Bool
    ) async throws -> (found: [Violation], rows: Int) {
        var found: [Violation] = []
        var rows = 0
        var cursor: String? = ""
        while let start = cursor {
            try Task.checkCancellation()
            let page = try await catalog.findings(in: table, after: start, limit: pageLimit)
            let room = Self.violationLimit - found.count
            if page.findings.count > room { isCut = true }
            found += page.findings.prefix(room)
            rows += page.examined
            cursor = page.next
            progress("\(rows) \(table.rawValue) looked at")
        }
        return (found, rows)
    }
}
