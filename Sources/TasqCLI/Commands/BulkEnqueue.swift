import Foundation
import Tasq
import TasqHTTP

/// Enqueues the lines of a file or of standard input as they are read.
struct BulkEnqueue {
    /// Lines of one transaction.
    static let batchLimit = 500
    /// Bytes of one line: a payload and what stands around it.
    static let lineLimit = JobLimits.payloadBytes + 16_384

    let queue: Queue
    let handlers: [HandlerEntry]

    /// Reads to the end; prints how many jobs are stored.
    ///
    /// Throws ``Failure`` for the first bad line. Batches committed before it stay.
    func run(from file: String, json: Bool) async throws {
        var reader = try LineReader(file, limit: Self.lineLimit)
        var batch: [(line: Int, job: NewJob)] = []
        var tally = Tally()
        let progress = Progress(isShown: StandardError.isTerminal)
        do {
            while let (line, bytes) = try reader.next() {
                guard bytes.contains(where: { $0 > 32 }) else { continue }
                batch.append((line, try job(from: bytes, line: line)))
                if batch.count == Self.batchLimit {
                    try await commit(batch, &tally)
                    batch = []
                    progress.show("\(tally.stored + tally.existing) jobs")
                }
            }
            try await commit(batch, &tally)
        } catch {
            progress.clear()
            await queue.flush()
            throw Self.failure(of: error, tally)
        }
        progress.clear()
        await queue.flush()
        try StandardOutput.line(
            json
                ? JSON.object(["stored": .int(tally.stored), "existed": .int(tally.existing)]).text
                : "\(tally.stored) stored"
                    + (tally.existing > 0 ? ", \(tally.existing) existed already" : ""))
    }

    private struct Tally {
        var stored = 0
        var existing = 0
    }

    /// A line that is no job.
    private struct BadLine: Error {
        let text: String
    }

    private func job(from bytes: [UInt8], line: Int) throws -> NewJob {
        do {
            return try EnqueueLine.job(bytes) { handlers.defaults(for: $0, payload: $1) }
        } catch {
            throw BadLine(text: "line \(line): \(error)")
        }
    }

    private func commit(_ batch: [(line: Int, job: NewJob)], _ tally: inout Tally) async throws {
        guard let first = batch.first, let last = batch.last else { return }
        do {
            for answer in try await queue.enqueueSurely(batch.map(\.job)) {
                if case .stored = answer { tally.stored += 1 } else { tally.existing += 1 }
            }
        } catch StoreError.rejected(let state, let reason) {
            throw BadLine(
                text: "lines \(first.line) to \(last.line): \(reason) (SQLSTATE \(state))")
        }
    }

    private static func failure(of error: any Error, _ tally: Tally) -> Failure {
        let stay = "; the \(tally.stored + tally.existing) jobs before its batch stay"
        switch error {
        case let bad as BadLine: return Failure(.badData, bad.text + stay)
        case let bad as LineReader.Fault: return Failure(.badData, bad.text + stay)
        default:
            let failure = Failure(error)
            return Failure(
                failure.code,
                failure.text
                    + "; \(tally.stored + tally.existing) jobs are stored, go on after them")
        }
    }
}

/// Cuts a file or standard input into lines, holding one block and one line at a time.
struct LineReader {
    /// A line too long, or a file that cannot be read.
    struct Fault: Error {
        let text: String
    }

    private static let blockBytes = 65_536

    private let handle: FileHandle
    private let name: String
    private let limit: Int
    private var block: ArraySlice<UInt8> = []
    private var isAtEnd = false
    private var line = 0

    /// `-` is standard input.
    init(_ file: String, limit: Int) throws {
        self.limit = limit
        name = file == "-" ? "standard input" : file
        if file == "-" {
            handle = .standardInput
        } else if let opened = FileHandle(forReadingAtPath: file) {
            handle = opened
        } else {
            throw Failure(.badData, "\(file) cannot be read: check the path and its permissions")
        }
    }

    /// The next line with its number, without its end; `nil` after the last.
    mutating func next() throws -> (number: Int, bytes: [UInt8])? {
        var bytes: [UInt8] = []
        line += 1
        while true {
            if let end = block.firstIndex(of: UInt8(ascii: "\n")) {
                bytes += block[..<end]
                block = block[(end + 1)...]
                try check(bytes)
                return (line, bytes)
            }
            bytes += block
            block = []
            try check(bytes)
            if isAtEnd { return bytes.isEmpty ? nil : (line, bytes) }
            try fill()
        }
    }

    private func check(_ bytes: [UInt8]) throws {
        guard bytes.count <= limit else {
            throw Fault(text: "line \(line): must be at most \(limit) bytes")
        }
    }

    private mutating func fill() throws {
        do {
            block = ArraySlice(try handle.read(upToCount: Self.blockBytes) ?? Data())
        } catch {
            throw Fault(text: "\(name) cannot be read after line \(line - 1)")
        }
        isAtEnd = block.isEmpty
    }
}
