import Foundation
import TasqTesting

/// A small run of `tasq-chaos` and what it reported.
struct ChaosRun: Sendable {
    let exit: ChildProcess.Exit
    /// One for each fault, as they ended.
    let reports: [Report]
    /// Everything it said, for a failure's message.
    let text: String

    /// The one report of a run of one fault.
    var report: Report { reports[0] }

    /// The parts of the report that tests look at.
    struct Report: Decodable {
        struct Finding: Decodable {
            let invariant: String
            let count: Int
            let examples: [String]
        }

        let fault: String
        let clean: Bool
        let zeroes: [String: Int]
        let findings: [Finding]
        let timed: [String]
        let misses: [String]
        let figures: [String: Double]
        let evidence: String?

        /// What was found that no busy machine can bring about.
        var faults: [String] {
            findings.filter { !timed.contains($0.invariant) }.map {
                "\($0.invariant) \($0.count): \($0.examples.prefix(3))"
            }
        }

        func examples(_ invariant: String) -> [String] {
            findings.first { $0.invariant == invariant }?.examples ?? []
        }

        func count(_ invariant: String) -> Int {
            findings.first { $0.invariant == invariant }?.count ?? 0
        }
    }

    static func of(
        _ faults: [String], seed: Int = 1, options: [String],
        environment: [String: String] = [:]
    ) async throws -> ChaosRun {
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq-chaos"),
            ["run", "--seed", "\(seed)", "--json"] + faults.flatMap { ["--fault", $0] } + options,
            environment: ["TASQ_TEST_SLOW": "\(Slowness.factor)"].merging(environment) { $1 })
        let exit = try await process.wait(within: .seconds(300).onThisMachine)
        let text = process.standardOutput + "\n" + process.standardError
        let reports = try process.standardOutput.split(separator: "\n").map {
            try JSONDecoder().decode(Report.self, from: Data($0.utf8))
        }
        guard reports.count == faults.count else {
            throw TestingError.failed("\(reports.count) reports (\(exit)): \(text)")
        }
        // A figure that was missed, as on a busy machine, is no reason to leave a folder behind.
        for report in reports where report.faults.isEmpty {
            if let folder = report.evidence { try? FileManager.default.removeItem(atPath: folder) }
        }
        return ChaosRun(exit: exit, reports: reports, text: text)
    }
}
