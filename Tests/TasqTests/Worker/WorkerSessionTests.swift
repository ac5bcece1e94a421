import Testing

@testable import Tasq

@Suite struct WorkerSessionTests {
    private let session = WorkerSession(
        WorkerRecord(
            host: "h", processID: 1, queues: [.defaultQueue], concurrency: 1, version: "1",
            heartbeat: .seconds(5), lease: .seconds(15)))

    @Test("A job that waited for as long as the lease is not begun")
    func waited() {
        let now = ContinuousClock.now
        for onUnknown in LeaseUnknown.allCases {
            #expect(session.mayBegin(what: now - .seconds(14), at: now, onUnknown))
            #expect(!session.mayBegin(what: now - .seconds(15), at: now, onUnknown))
        }
    }

    @Test("While the lease is not known a job is begun only where that is to go on")
    func unknown() {
        let now = ContinuousClock.now
        session.note(.unknown)
        #expect(session.mayBegin(what: now, at: now, .continue))
        #expect(!session.mayBegin(what: now, at: now, .cancel))
        session.note(.renewed)
        #expect(session.mayBegin(what: now, at: now, .cancel))
    }
}
