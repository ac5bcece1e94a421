import Foundation
import TasqTesting
import TestSizes
import Testing

/// The program that the README begins with.
@Suite(.system) struct ReadmeTests {
    @Test func `The Swift program is the example's source, byte for byte`() throws {
        let example = try Document(path: "Sources/ReceiptExample/main.swift").text()
        let shown = try Document.readme.blocks(of: "swift")
        #expect(shown.first.map { $0.map { $0 + "\n" }.joined() } == example)
        // The others are the files of a package.
        #expect(try shown.count == 1 + Document.readme.files().count)
    }

    @Test func `The package that is shown asks for products that there are`() throws {
        let file = try #require(
            try Document.readme.files().first { $0.path == "Package.swift" })
        let manifest = file.lines.joined(separator: "\n")
        let products = manifest.matches(of: /name: "([A-Za-z]+)", package: "tasq"/).map { $0.1 }
        #expect(products.contains("Tasq") && products.contains("TasqTesting"))
        let own = try Document(path: "Package.swift").text()
        for product in products {
            #expect(own.contains(".library(name: \"\(product)\""), "\(product)")
        }
    }

    @Test func `The Swift program runs the job it puts in`() async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let program = try await ChildProcess.start(
            ChildProcess.built("ReceiptExample"),
            environment: [
                "DATABASE_URL": postgres.url(database: "postgres"), "REDIS_URL": redis.url,
            ])
        _ = try await program.waitForLine(containing: "sent the receipt for order 42")
        try await eventually("the job is settled") {
            try await postgres.execute(
                "SELECT string_agg(status::text, ',') FROM tasq.job WHERE kind = 'send-receipt'"
            ) == "success"
        }
        program.signal(SIGKILL)
        await redis.stop()
        await postgres.stop(.immediate)
    }

    @Test func `The first signed webhook comes in by the lines that are shown`() async throws {
        let blocks = try Document.readme.blocks(of: "sh")
        let lines = try #require(blocks.first { block in block.contains { $0.hasPrefix("curl ") } })
        let folder = NSTemporaryDirectory() + "tasq-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder + "/bin", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/bin/tasq", withDestinationPath: ChildProcess.built("tasq"))
        // Below the ports that private servers and outgoing connections take.
        let port = Int.random(in: 15_000..<19_000)
        let script = lines.joined(separator: "\n").replacing("8080", with: "\(port)")
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let shell = try await ChildProcess.start(
            "/bin/bash", ["-c", script + "\nkill %1; wait; exit 0"],
            environment: ["PATH": "\(folder)/bin:\(path)"], directory: folder)
        #expect(try await shell.wait() == .code(0), "\(shell.lines)")
        let output = shell.standardOutput
        let job = try #require(
            output.firstMatch(of: /"jobs":\["([0-9a-f-]{36})"\]/)?.output.1, "\(shell.lines)")
        // In the answer and in the list.
        #expect(output.ranges(of: job).count == 2, "\(output)")
    }
}
