import FoundationEssentials

/// Runs that have ended, as they stand in a file: one document a line, the oldest first.
///
/// Of a file that is only added to, by several sittings and by several builds, some of which were
/// killed. What cannot be read, and what other programs did, counts for nothing and is told.
struct Record: Sendable {
    /// Every run in it, of every build.
    private(set) var runs: [Document] = []
    /// The numbers of lines that are no run's.
    private(set) var unread: [Int] = []
    /// Whether the last line has no end: whoever wrote it may have been killed meanwhile.
    let isOpen: Bool

    private let lineCount: Int

    /// What a line without a build counts as.
    static let nameless = "without a name"

    /// Reads the file; one that is not there has nothing in it.
    ///
    /// Throws ``RecordError`` where there is something that cannot be read.
    init(at path: String) throws(RecordError) {
        guard FileManager.default.fileExists(atPath: path) else {
            self.init(Data())
            return
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RecordError(description: "the record \(path) cannot be read")
        }
        self.init(data)
    }

    init(_ data: Data) {
        isOpen = data.last.map { $0 != UInt8(ascii: "\n") } ?? false
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lineCount = lines.count
        for (index, line) in lines.enumerated() where !line.isEmpty {
            if let run = try? JSONDecoder().decode(Document.self, from: Data(line)) {
                runs.append(run)
            } else {
                unread.append(index + 1)
            }
        }
    }

    /// Its newest build; nil where there is no run.
    var newestBuild: String? { runs.last.map { Self.build(of: $0) } }

    func runs(of build: String) -> [Document] { runs.filter { Self.build(of: $0) == build } }

    /// Whether a run of this plan has held.
    func holds(_ plan: Plan, in build: String) -> Bool {
        runs(of: build).contains { $0.clean && $0.isRun(of: plan) }
    }

    mutating func add(_ run: Document) { runs.append(run) }

    /// What is passed over where one build is counted, a line each.
    func remarks(counting build: String) -> [String] {
        var remarks = unread.map { number in
            isOpen && number == lineCount
                ? "line \(number) is cut off: its run counts for nothing"
                : "line \(number) is no run and counts for nothing"
        }
        var others: [(build: String, count: Int)] = []
        for run in runs where Self.build(of: run) != build {
            let other = Self.build(of: run)
            if let index = others.firstIndex(where: { $0.build == other }) {
                others[index].count += 1
            } else {
                others.append((other, 1))
            }
        }
        remarks += others.map { other in
            "\(other.count) \(other.count == 1 ? "run" : "runs") of the build \(other.build) "
                + "\(other.count == 1 ? "is" : "are") not counted"
        }
        return remarks
    }

    private static func build(of run: Document) -> String { run.build ?? nameless }
}

/// Why a record cannot be used.
struct RecordError: Error, CustomStringConvertible {
    let description: String
}
