import Tasq
import Testing

@testable import TasqPostgres

@Suite struct PostgresSettingsTests {
    @Test(arguments: [
        ("postgres://u:secret@db.example:6000/app?sslmode=require", "db.example:6000/app"),
        ("postgres://u:secret@a:1,b:2/app", "a:1,b:2/app"),
        ("postgres://u:secret@a,b:2/app", "a:5432,b:2/app"),
        ("postgres://u:secret@[::1]:7/app", "[::1]:7/app"),
        ("host=a,b port=9 dbname=app password=secret", "a:9,b:9/app"),
        ("host=/run/pg port=9 dbname=app", "/run/pg:9/app"),
    ])
    func `The description names place and database, never the password`(
        url: String, description: String
    ) throws {
        let settings = try PostgresSettings(url: url)
        #expect(settings.safeDescription == description)
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!"\(settings) \(String(reflecting: settings)) \(dumped)".contains("secret"))
    }

    @Test(arguments: ["", "secret", "hots=secret", "postgres://%zz"])
    func `A URL libpq cannot read is misconfigured and not echoed`(url: String) async throws {
        let error = await failure { () throws(StoreError) in try PostgresSettings(url: url) }
        let found = try #require(error)
        #expect(found.word == "misconfigured")
        #expect("\(found)".contains("DATABASE_URL"))
        #expect(!"\(found)".contains("secret"))
    }

    @Test func `What the user says about keepalives wins`() throws {
        let target = try PostgresSettings(url: "postgres://h/d?keepalives_idle=99").target()
        #expect(target.parameters.contains { $0 == ("keepalives_interval", "2") })
        #expect(!target.parameters.contains { $0.keyword == "keepalives_idle" })
        #expect(target.parameters.first?.keyword == "dbname")
    }

    @Test func `Text is UTF-8 whatever the user says`() throws {
        let target = try PostgresSettings(url: "postgres://h/d?client_encoding=latin1").target()
        #expect(target.parameters.last.map { $0 == ("client_encoding", "UTF8") } == true)
    }
}
