package import Tasq

/// What a body has at a place in its JSON, written as a pointer, `=` and the value: `/order/id=42`.
package struct PayloadValue: Sendable, Hashable {
    /// Bytes a value may have.
    package static let byteLimit = 1000
    /// Jobs whose bodies one look at a list takes, at most, and bytes of these.
    package static let jobLimit = 1000
    package static let lookedBytes = 8_388_608

    private let pointer: JSONPointer
    /// A string as it reads, a number as it is written, `true` or `false`.
    fileprivate let text: String

    /// Throws ``InvalidInput`` naming `field` when what stands before the first `=` is no pointer.
    package init(_ text: String, field: String) throws(InvalidInput) {
        guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw InvalidInput(
                field: field, "must be a JSON pointer, = and a value, as in /order/id=42")
        }
        pointer = try JSONPointer(text[..<sign], field: field)
        self.text = String(text[text.utf8.index(after: sign)...])
        guard self.text.utf8.count <= Self.byteLimit, !self.text.utf8.contains(0) else {
            throw InvalidInput(
                field: field, "must have a value of at most \(Self.byteLimit) bytes without NUL")
        }
    }

    /// Whether a body has it, of a form the JSON in it.
    func matches(_ payload: Payload) -> Bool {
        // Byte by byte, as names are compared.
        pointer.value(in: payload.asHandled.body)?.utf8.elementsEqual(text.utf8) ?? false
    }
}

extension Catalog {
    /// A page of a list; with a value, of those of its jobs alone whose bodies have it. One look then
    /// takes ``PayloadValue/jobLimit`` jobs and ``PayloadValue/lookedBytes`` of bodies, and bodies of more
    /// than ``JobLimits/payloadBytes`` are passed over.
    package func jobs(
        matching filter: JobFilter, having value: PayloadValue?, after cursor: JobCursor?,
        limit: Int
    ) async throws(StoreError) -> JobPage {
        guard let value else {
            return try await jobs(matching: filter, after: cursor, limit: limit)
        }
        let page = try await jobs(
            matching: filter, after: cursor, limit: PayloadValue.jobLimit)
        guard !page.jobs.isEmpty else { return page }
        let likely = try await bodies(
            page.jobs.map(\.payloadID), mayHold: value.text, bytes: PayloadValue.lookedBytes)
        let looked = page.jobs.prefix(likely.looked)
        var found = JobPage(
            jobs: [],
            next: looked.count < page.jobs.count ? looked.last.map { JobCursor($0) } : page.next)
        for (place, job) in looked.enumerated() {
            guard let payload = likely.found[place], value.matches(payload) else { continue }
            found.jobs.append(job)
            guard found.jobs.count < limit else {
                found.next = JobCursor(job)
                break
            }
        }
        return found
    }
}
