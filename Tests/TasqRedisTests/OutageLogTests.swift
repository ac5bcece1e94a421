import Logging
import Testing

@testable import TasqRedis

struct OutageLogTests {
    @Test func `Takes that are cut are not over when an announcement arrives`() {
        let log = RecordedLog()
        let outages = OutageLog("redis", log.logger)
        outages.failed(.taking, .lost)
        #expect(log.lines(at: .warning).count == 1)
        outages.succeeded(.announcing)
        #expect(log.lines(at: .info) == [])
        outages.failed(.taking, .silent)
        outages.succeeded(.taking)
        #expect(log.lines(at: .info) == ["redis: taking works again"])
        #expect(log.lines(at: .warning).count == 1)
    }

    @Test func `A server that is gone is told once, whoever notices, and so is its return`() {
        let log = RecordedLog()
        let outages = OutageLog("redis", log.logger)
        outages.failed(.announcing, .lost)
        outages.failed(.taking, .lost)
        outages.failed(.announcing, .silent)
        #expect(log.lines(at: .warning).count == 1)
        outages.succeeded(.taking)
        outages.succeeded(.announcing)
        #expect(log.lines(at: .info) == ["redis: announcing works again"])
    }
}
