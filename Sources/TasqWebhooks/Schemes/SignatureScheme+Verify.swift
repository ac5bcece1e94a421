package import Tasq

extension SignatureScheme {
    /// Bytes of a signature header that are read at all.
    package static let headerByteLimit = 8192
    /// Items of a signature header that are looked at; the rest is ignored.
    package static let itemLimit = 16
    /// Bytes of a signed id.
    package static let idByteLimit = 1000

    /// Returns when one of the header's signatures was made with one of the keys over just these
    /// bytes, and the timestamp, where the scheme has one, lies within `tolerance` of `now`.
    package func verify(
        _ request: WebhookRequest, keys: [SigningKey], tolerance: Duration, now: Timestamp
    ) throws(Refusal) {
        let items = try items(of: request)
        let candidates = items.compactMap { item in
            item.hasPrefix(label) ? encoding.decode(item.dropFirst(label.count)) : nil
        }.filter { $0.count == algorithm.byteCount }
        guard !candidates.isEmpty else {
            throw .malformedHeader(
                header,
                "has no \(algorithm) signature in \(encoding)"
                    + (label.isEmpty ? "" : " after \(label)"))
        }
        let timestamp = try timestampText(of: request, items: items)
        if let timestamp { try check(timestamp, tolerance: tolerance, now: now) }
        let parts = try signedParts(of: request, timestamp: timestamp)

        var isGenuine = false
        for key in keys {
            let code = key.authenticationCode(of: parts, algorithm: algorithm)
            for candidate in candidates where areEqualInConstantTime(code, candidate) {
                isGenuine = true
            }
        }
        guard isGenuine else { throw .wrongSignature }
    }

    private func items(of request: WebhookRequest) throws(Refusal) -> [Substring] {
        let value = try request.soleValue(of: header)
        guard value.utf8.count <= Self.headerByteLimit else {
            throw .malformedHeader(header, "is longer than \(Self.headerByteLimit) bytes")
        }
        guard let separator else { return [value] }
        return value.split(separator: separator, maxSplits: Self.itemLimit)
            .prefix(Self.itemLimit).map { $0.trimmingBlanks() }
    }

    /// The timestamp as the provider wrote it, which is how it was signed.
    private func timestampText(
        of request: WebhookRequest, items: [Substring]
    ) throws(Refusal) -> Substring? {
        switch timestamp {
        case nil: return nil
        case .header(let name): return try request.soleValue(of: name)
        case .item(let label):
            guard let item = items.first(where: { $0.hasPrefix(label) }) else {
                throw .malformedHeader(header, "has no item \(label)")
            }
            return item.dropFirst(label.count)
        }
    }

    /// Whole Unix seconds in ASCII digits. `Int64.max` with a genuine signature has been seen: the
    /// difference is taken with care.
    private func check(
        _ text: Substring, tolerance: Duration, now: Timestamp
    ) throws(Refusal) {
        var seconds: Int64 = 0
        for byte in text.utf8 {
            let (tens, tooFar) = seconds.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tens.addingReportingOverflow(Int64(byte) - 0x30)
            guard (0x30...0x39).contains(byte), !tooFar, !overflow else {
                throw .malformedTimestamp
            }
            seconds = sum
        }
        guard !text.isEmpty else { throw .malformedTimestamp }
        let (age, overflow) = (now.microseconds / 1_000_000)
            .subtractingReportingOverflow(seconds)
        guard !overflow, age.magnitude <= UInt64(max(0, tolerance.components.seconds)) else {
            throw .staleTimestamp(ageSeconds: overflow ? .min : age, tolerance: tolerance)
        }
    }

    private func signedParts(
        of request: WebhookRequest, timestamp: Substring?
    ) throws(Refusal) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        for part in signed.parts {
            switch part {
            case .text(let text): parts.append(Array(text.utf8))
            case .body: parts.append(request.body)
            case .timestamp: parts.append(Array((timestamp ?? "").utf8))
            case .id: parts.append(try signedID(of: request))
            case .method: parts.append(Array(request.method.utf8))
            case .path: parts.append(Array(request.path.utf8))
            }
        }
        return parts
    }

    private func signedID(of request: WebhookRequest) throws(Refusal) -> [UInt8] {
        let value: Substring
        switch id?.place {
        case .header(let name): value = try request.soleValue(of: name)
        case .body(let pointer):
            guard let text = pointer.value(in: request.content), !text.isEmpty else {
                throw .missingID("body:\(pointer)")
            }
            value = text[...]
        case nil: throw .missingID("id")
        }
        guard value.utf8.count <= Self.idByteLimit else {
            throw .malformedID("is longer than \(Self.idByteLimit) bytes")
        }
        return Array(value.utf8)
    }
}
