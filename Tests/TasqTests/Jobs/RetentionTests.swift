import Testing

@testable import Tasq

@Suite struct RetentionTests {
    @Test func `What goes when is said on one line`() throws {
        var retention = Retention.usual
        let all = "success after 7d, error after 90d, cancelled after 30d"
        #expect(retention.description == all)
        #expect(
            Retention.forever.description == "success never, error never, cancelled never")
        for number in 10..<22 {
            let queue = try Name("q\(number)")
            retention.queues[queue] = .init(success: .zero, error: .seconds(60))
        }
        let text = retention.description
        #expect(
            text.hasPrefix(all + "; of queue q10 success at once, error after 1m, cancelled never"))
        #expect(text.hasSuffix("cancelled never; and of 2 more queues"))
    }

    @Test func `It is narrowed to a status, a queue or both`() throws {
        let (own, other) = (try Name("own"), try Name("other"))
        let minute = Duration.seconds(60)
        let retention = Retention(
            .init(success: minute, error: minute), queues: [own: .init(error: .zero)])
        #expect(retention.only(nil, on: nil) == retention)
        #expect(
            retention.only(.error, on: nil)
                == Retention(.init(error: minute), queues: [own: .init(error: .zero)]))
        #expect(
            retention.only(nil, on: own) == Retention(.init(), queues: [own: .init(error: .zero)]))
        #expect(
            retention.only(.success, on: other)
                == Retention(.init(), queues: [other: .init(success: minute)]))
        #expect(!retention.only(.success, on: own).prunes)
        #expect(!retention.only(.cancelled, on: nil).prunes)
        #expect(!Retention.forever.prunes && retention.prunes)
    }

    @Test func `Only what is over has an age`() {
        var ages = Retention.Ages()
        for status in JobStatus.allCases {
            ages[status] = .zero
            #expect(ages[status] == (status.isFinal ? .zero : nil))
        }
        #expect(JobStatus.finished == [.success, .error, .cancelled])
    }
}
