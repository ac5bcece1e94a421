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
}
