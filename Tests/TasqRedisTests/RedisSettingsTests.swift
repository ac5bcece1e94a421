import Tasq
import Testing

@testable import TasqRedis

@Suite struct RedisSettingsTests {
    struct Reading: Sendable, CustomTestStringConvertible {
        let url: String
        let host: String
        var port = 6379
        var user: String?
        var password: String?
        var database = 0

        var testDescription: String { url }
    }

    @Test(arguments: [
        Reading(url: "redis://localhost", host: "localhost"),
        Reading(url: "REDIS://localhost/", host: "localhost"),
        Reading(url: "rediss://r:6380/3", host: "r", port: 6380, database: 3),
        Reading(url: "rediss://:p%3F@[::1]?sni=r.test", host: "::1", password: "p?"),
        Reading(url: "redis://10.0.0.7:7000/3", host: "10.0.0.7", port: 7000, database: 3),
        Reading(url: "redis://:s3cret@r", host: "r", password: "s3cret"),
        Reading(
            url: "redis://ann:s3cret@r:1/15", host: "r", port: 1, user: "ann",
            password: "s3cret", database: 15),
        Reading(url: "redis://a%40b:p%2Fq%3A%25@r", host: "r", user: "a@b", password: "p/q:%"),
        Reading(url: "redis://:a@b:c@r", host: "r", password: "a@b:c"),
        Reading(url: "redis://:@r", host: "r"),
        Reading(url: "redis://[::1]", host: "::1"),
        Reading(
            url: "redis://:x@[fe80::2]:65535/2", host: "fe80::2", port: 65_535,
            password: "x", database: 2),
    ])
    func `A URL is read into its parts`(_ reading: Reading) throws {
        let settings = try RedisSettings(url: reading.url)
        #expect(settings.shape == .single)
        #expect(settings.servers == [ServerAddress(host: reading.host, port: reading.port)])
        #expect(settings.user == reading.user)
        #expect(settings.password == reading.password)
        #expect(settings.database == reading.database)
        #expect(settings.prefix == "tasq")
    }

    @Test func `Sentinels are named with what they watch`() throws {
        let settings = try RedisSettings(
            url: "redis+sentinel://ann:s%2Fcret@one,[::1]:7,three:26380/my%2Dmaster/4"
                + "?sentinel_username=bo&sentinel_password=p%26q")
        #expect(settings.shape == .sentinel(service: "my-master"))
        #expect(
            settings.servers == [
                ServerAddress(host: "one", port: 26379), ServerAddress(host: "::1", port: 7),
                ServerAddress(host: "three", port: 26380),
            ])
        #expect(settings.user == "ann" && settings.password == "s/cret" && settings.database == 4)
        #expect(settings.sentinelUser == "bo" && settings.sentinelPassword == "p&q")
        #expect(
            settings.safeDescription
                == "redis my-master of sentinel one:26379,[::1]:7,three:26380")
        #expect(try RedisSettings(url: "REDISS+Sentinel://r/m?sni=x.test").tls != nil)
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", dumped] {
            #expect(!text.contains("cret") && !text.contains("p&q") && !text.contains("bo&"))
        }
    }

    @Test func `Some nodes of a cluster are enough`() throws {
        let settings = try RedisSettings(url: "redis+cluster://:x@a,b:7000")
        #expect(settings.shape == .cluster)
        #expect(
            settings.servers == [
                ServerAddress(host: "a", port: 6379), ServerAddress(host: "b", port: 7000),
            ])
        #expect(settings.password == "x")
        #expect(settings.safeDescription == "redis cluster a:6379,b:7000")
        #expect(try RedisSettings(url: "rediss+cluster://a/").tls != nil)
    }

    @Test(arguments: [
        ("redis+sentinel://r", "what the sentinels watch"),
        ("redis+sentinel://r/", "what the sentinels watch"),
        ("redis+sentinel://r/a%20b", "what the sentinels watch"),
        ("redis+sentinel://:hunter2@/m", "host"), ("redis+sentinel://r,/m", "host"),
        ("redis+sentinel://r,r:26379/m", "twice"), ("redis+sentinel://r/m/x", "database"),
        ("redis+sentinel://r/m/1/2", "database"),
        ("redis+sentinel://r/m?sentinel_username=a", "without sentinel_password"),
        ("redis+sentinel://r/m?cacert=/x", "sentinel_username, sentinel_password only"),
        ("redis+sentinel://r/m?sentinel_password=", "without a value"),
        ("rediss+sentinel://r/m?sni=10.0.0.1", "sni must be a name"),
        ("redis+cluster://r/1", "a cluster has none"), ("redis+cluster://", "host"),
        ("redis+cluster://r:0", "port"), ("redis+cluster://a,b:x", "port"),
        ("redis+cluster://r?sentinel_password=hunter2", "options"),
        ("redis+cluster://" + (0...64).map { "h\($0)" }.joined(separator: ","), "more than 64"),
        ("redis://a,b", "several hosts"), ("redis+other://r", "redis+cluster://"),
    ])
    func `A URL of several servers that breaks a rule is refused by that rule`(
        _ url: String, _ rule: String
    ) throws {
        let error = try #require(throws: InvalidInput.self) { try RedisSettings(url: url) }
        #expect(error.description.contains(rule), "\(error.description)")
        #expect(!error.description.contains("hunter2"))
    }

    @Test(arguments: [
        ("", "redis://host"), ("localhost:6379", "redis://host"), ("http://r", "redis://"),
        ("unix:///r.sock", "redis://"),
        ("redis://", "host"), ("redis://:hunter2@", "host"), ("redis://r:", "port"),
        ("redis://r:0", "port"), ("redis://r:65536", "port"), ("redis://r:6x", "port"),
        ("redis://r:-1", "port"), ("redis://r:99999999999999999999", "port"),
        ("redis://r:٣", "port"), ("redis://r/x", "database"), ("redis://r/-1", "database"),
        ("redis://r/1/2", "database"), ("redis://r/70000", "database"),
        ("redis://ann@r", "password"), ("redis://ann:@r", "password"),
        ("redis://:hunter2%zz@r", "%"), ("redis://:hunter2%2@r", "%"), ("redis://:%ff@r", "UTF-8"),
        ("redis://::1", "brackets"), ("redis://[::1", "bracket"), ("redis://[::1]x", "bracket"),
        ("redis://a b", "spaces"), ("redis://:hunter2@r?x=1", "options"),
        ("redis://h%00x", "host"), ("redis://hö", "host"),
    ])
    func `A URL that breaks a rule is refused by that rule, unquoted`(
        _ url: String, _ rule: String
    ) throws {
        let error = try #require(throws: InvalidInput.self) { try RedisSettings(url: url) }
        #expect(error.description.contains(rule))
        #expect(!error.description.contains("hunter2"))
    }

    @Test(arguments: ["", "a{b}", "a b", String(repeating: "x", count: 101)])
    func `A prefix that is no name is refused`(_ prefix: String) {
        #expect(throws: InvalidInput.self) {
            try RedisSettings(url: "redis://r", prefix: prefix)
        }
    }

    @Test func `No way to print settings shows user or password`() throws {
        let settings = try RedisSettings(url: "redis://annabel:hunter2@[::1]:7000/4")
        #expect(settings.safeDescription == "redis [::1]:7000")
        var dumped = ""
        dump(settings, to: &dumped)
        let optional: RedisSettings? = settings
        for text in ["\(settings)", String(reflecting: settings), dumped, "\([optional])"] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("annabel"))
        }
    }
}
