/// Why a webhook was not believed, for the operator (`tasq webhook verify`).
///
/// The sender gets one text for every cause but ``ambiguousID(_:_:)`` and those of a packed body:
/// which check failed would help whoever forges. No case holds a signature, a secret or a byte of the body.
public enum Refusal: Error, Sendable, Hashable {
    /// The header is absent or empty.
    case missingHeader(String)
    /// The header stands there more than once, and it is not known which one was meant.
    case repeatedHeader(String)
    /// The header is not what the scheme writes; the second text says how.
    case malformedHeader(String, String)
    /// The timestamp is not Unix seconds in ASCII digits.
    case malformedTimestamp
    /// The timestamp lies further from now than the tolerance; a negative age is the future.
    case staleTimestamp(ageSeconds: Int64, tolerance: Duration)
    /// The signed id is not at its place.
    case missingID(String)
    /// The signed id breaks a limit.
    case malformedID(String)
    /// No signature of the header was made with one of the source's secrets over these bytes.
    case wrongSignature
    /// The body is not gzip to its end, though it says so.
    case malformedBody
    /// The body is longer than this many bytes when it is unpacked.
    case largeBody(limit: Int)
    /// The header with the event's id does not name one event; the second text says how. Only who
    /// signs with a secret of the source comes that far, so HTTP says it too.
    case ambiguousID(String, String)
}

extension Refusal: CustomStringConvertible {
    /// One line, for the operator.
    public var description: String {
        switch self {
        case .missingHeader(let name): "header \(name) is missing"
        case .repeatedHeader(let name): "header \(name) is there more than once"
        case .malformedHeader(let name, let rule), .ambiguousID(let name, let rule):
            "header \(name) \(rule)"
        case .malformedTimestamp: "the timestamp is not Unix seconds in digits"
        case .staleTimestamp(let age, let tolerance):
            (age < 0
                ? "the timestamp lies \(age.magnitude) s ahead" : "the timestamp is \(age) s old")
                + "; at most \(tolerance.components.seconds) s are allowed"
        case .missingID(let place): "the signed id is missing at \(place)"
        case .malformedID(let rule): "the signed id \(rule)"
        case .malformedBody: "the body is not gzip to its end, as its header says"
        case .largeBody(let limit): "the body is longer than \(limit) bytes when it is unpacked"
        case .wrongSignature:
            "the signature was not made with one of the source's secrets over this body"
        }
    }
}
