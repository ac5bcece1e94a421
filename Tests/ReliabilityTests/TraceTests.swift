import Instrumentation
import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// A trace from an enqueue to the run of its job, and on to what the run enqueues.
@Suite(.medium) struct TraceTests {
    /// What a handler found.
    private struct Sight: Sendable {
        let trace: TraceContext?
        let span: String?
    }

    @Test func `Without a tracer the trace goes on as it came`() async throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let trace = TraceContext(parent: parent, state: "a=1")
        let (first, second) = try await run(trace)
        #expect(first.trace == trace)
        #expect(second.trace == trace)
        #expect(first.span == nil)
    }

    @Test func `A tracer finds the trace, and what the run enqueues belongs to its span`()
        async throws
    {
        let (first, second) = try await run(TraceContext(parent: Tracer.parent(0)))
        #expect(first.trace?.parent == Tracer.parent(0))
        #expect(first.span == Tracer.parent(1))
        #expect(second.trace?.parent == Tracer.parent(1))
        #expect(second.span == Tracer.parent(2))
    }

    @Test func `A job of no trace runs in none`() async throws {
        let (first, second) = try await run(nil)
        #expect(first.trace == nil && first.span == nil)
        #expect(second.trace == nil && second.span == nil)
    }

    /// Runs a job that came with this, and one that its handler enqueues; has a timeout, so that
    /// handlers run in tasks of their own.
    private func run(_ trace: TraceContext?) async throws -> (Sight, Sight) {
        Tracer.install()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sights = Mutex<[String: Sight]>([:])
        try await TestDatabase.with(template: "article", migrate: { _ in }) { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: logger)
            try await store.migrate()
            let queue = Queue(store: store)
            var handlers = HandlerTable()
            let look: @Sendable (JobContext) -> Void = { context in
                let span = ServiceContext.current?[Tracer.Span.self]
                sights.withLock {
                    $0[context.job.kind.description] = Sight(trace: context.trace, span: span)
                }
            }
            try handlers.add(
                "first",
                Handler(timeout: .seconds(60)) { context in
                    look(context)
                    _ = try await queue.enqueue(NewJob(kind: Name("second"), payload: Payload([])))
                })
            try handlers.add("second", Handler { look($0) })
            let headers =
                (trace.map { [Payload.Header(name: "traceparent", value: $0.parent)] } ?? [])
                + (trace?.state.map { [Payload.Header(name: "tracestate", value: $0)] } ?? [])
            _ = try await queue.enqueue(
                NewJob(kind: Name("first"), payload: Payload([], headers: headers)))
            let worker = Worker(
                of: queue, handlers: handlers,
                settings: try WorkerSettings(pollInterval: .milliseconds(50)), logger: logger)
            let running = Task { try await worker.run() }
            try await eventually("both have run") { sights.withLock { $0.count == 2 } }
            running.cancel()
            _ = await running.result
            await store.close()
        }
        return try sights.withLock { sights in
            (try #require(sights["first"]), try #require(sights["second"]))
        }
    }
}

/// Follows one trace alone, so that it disturbs nobody else in this process: each context it reads
/// gets a span with the number after its parent's.
private struct Tracer: Instrument {
    enum Span: ServiceContextKey {
        typealias Value = String
    }

    private static let once: Void = InstrumentationSystem.bootstrap(Tracer())

    static func install() { once }

    static func parent(_ number: Int) -> String {
        "00-7ace7ace7ace7ace7ace7ace7ace7ace-700000000000000\(number)-01"
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let parent = extractor.extract(key: "Traceparent", from: carrier)
        let number = (0..<9).first { Self.parent($0) == parent }
        if let number { context[Span.self] = Self.parent(number + 1) }
    }

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context[Span.self] else { return }
        injector.inject(span, forKey: "Traceparent", into: &carrier)
    }
}
