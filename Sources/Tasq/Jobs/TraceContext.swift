package import Instrumentation

/// The W3C trace context that a job travels with: it ties the job's run to the request, or to the
/// run of another job, that enqueued it.
///
/// Stands in the payload's headers as `traceparent` and `tracestate`. Whoever sent it is not to be
/// trusted: it is good for finding what belongs together, never for deciding anything.
public struct TraceContext: Sendable, Hashable {
    /// Bytes of a `tracestate`; a longer one is dropped.
    public static let stateByteLimit = 512

    static let parentName = "traceparent"
    static let stateName = "tracestate"
    /// The headers it stands in.
    package static let names = [parentName, stateName]

    /// Version, trace, parent and flags, as in
    /// `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    public let parent: String
    /// What tracing systems add for themselves; `nil` for nothing.
    public let state: String?

    /// `nil` unless the parent is one by W3C's Trace Context, section 3.2; a state that is too long
    /// or not printable is left out.
    public init?(parent: String, state: String? = nil) {
        guard isTraceParent(Array(parent.utf8)) else { return nil }
        self.parent = parent
        self.state = state.flatMap { state in
            (1...Self.stateByteLimit).contains(state.utf8.count)
                && state.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? state : nil
        }
    }

    /// What these headers say, names in lower case; `nil` when they name no parent, or several.
    package init?(_ headers: [Payload.Header]) {
        guard headers.contains(where: { $0.name == Self.parentName }) else { return nil }
        self.init { name in headers.filter { $0.name == name }.map(\.value) }
    }

    /// What a request's headers say.
    package init?(values: (_ header: String) -> [String]) {
        let parents = values(Self.parentName)
        guard parents.count == 1 else { return nil }
        self.init(parent: parents[0], state: values(Self.stateName).joined(separator: ","))
    }

    /// The headers that say it.
    package var headers: [Payload.Header] {
        [Payload.Header(name: Self.parentName, value: parent)]
            + (state.map { [Payload.Header(name: Self.stateName, value: $0)] } ?? [])
    }
}

/// By section 3.2.2 of Trace Context; longer ones of versions to come are not known yet.
private func isTraceParent(_ text: [UInt8]) -> Bool {
    guard text.count == 55 else { return false }
    let fields = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard fields.map(\.count) == [2, 32, 16, 2],
        fields.joined().allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return false }
    let isZero = { (field: ArraySlice<UInt8>) in field.allSatisfy { $0 == UInt8(ascii: "0") } }
    return Array(fields[0]) != Array("ff".utf8) && !isZero(fields[1]) && !isZero(fields[2])
}

extension Payload {
    /// Takes a trace context along, unless the headers name one already.
    package mutating func carry(_ trace: TraceContext?) {
        guard let trace, !headers.contains(where: { $0.name == TraceContext.parentName }) else {
            return
        }
        headers += trace.headers
    }
}

extension ServiceContext {
    private enum Key: ServiceContextKey {
        typealias Value = TraceContext
        static let nameOverride: String? = "tasq-trace"
    }

    /// What the job that runs in this context came with; what it enqueues goes on with it.
    package var jobTrace: TraceContext? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }

    /// What an enqueue made in this context takes along: what the program's tracer says, or else
    /// what came with the job that is running.
    var outgoingTrace: TraceContext? { told ?? jobTrace }

    /// What the program's tracer says; `nil` without one, or when it follows no trace.
    var told: TraceContext? {
        var headers: [Payload.Header] = []
        InstrumentationSystem.instrument.inject(self, into: &headers, using: HeaderWriter())
        return TraceContext(headers)
    }

    /// This context with what came with a job, for the program's tracer too.
    func running(_ trace: TraceContext) -> ServiceContext {
        var context = self
        context.jobTrace = trace
        InstrumentationSystem.instrument.extract(
            trace.headers, into: &context, using: HeaderReader())
        return context
    }
}

private struct HeaderWriter: Injector {
    func inject(_ value: String, forKey name: String, into headers: inout [Payload.Header]) {
        headers.append(Payload.Header(name: name.lowercased(), value: value))
    }
}

private struct HeaderReader: Extractor {
    func extract(key name: String, from headers: [Payload.Header]) -> String? {
        headers.first { $0.name == name.lowercased() }?.value
    }
}
