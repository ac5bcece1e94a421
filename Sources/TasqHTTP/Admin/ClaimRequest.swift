import Tasq

/// The body of a request to `/v1/claims`: one object of named fields, or nothing at all.
struct ClaimRequest {
    /// Bytes of such a body.
    static let byteLimit = 65_536

    private let json: JSONSlices?
    private let fields: JobFields

    /// Throws for more than ``byteLimit`` and for anything but an object with some of these fields.
    init(_ body: [UInt8], allowing names: [String]) throws(Problem) {
        guard body.count <= Self.byteLimit else { throw .tooLarge(limit: Self.byteLimit) }
        do throws(InvalidInput) {
            let json: JSONSlices? = try body.isEmpty ? nil : JSONSlices(body, field: "body")
            fields = try Self.members(of: json, allowing: names)
            self.json = json
        } catch {
            throw .invalid(error)
        }
    }

    private static func members(
        of json: JSONSlices?, allowing names: [String]
    ) throws(InvalidInput) -> JobFields {
        var fields = JobFields()
        guard let json else { return fields }
        guard let members = json.members(of: json.whole) else {
            throw InvalidInput(field: "body", "must be a JSON object")
        }
        for (name, value) in members {
            guard names.contains(name) else {
                throw InvalidInput(
                    field: "body",
                    "must have no other fields than: \(names.joined(separator: ", "))")
            }
            try fields.set(name, to: value)
        }
        return fields
    }

    func string(_ name: String) throws(InvalidInput) -> String? { try fields.string(name) }
    func number(_ name: String) throws(InvalidInput) -> Int? { try fields.number(name) }
    func duration(_ name: String) throws(InvalidInput) -> Duration? { try fields.duration(name) }

    func flag(_ name: String) throws(InvalidInput) -> Bool? {
        switch fields.raw(name).map({ String(decoding: $0, as: UTF8.self) }) {
        case nil, "null": return nil
        case "true": return true
        case "false": return false
        default: throw InvalidInput(field: name, "must be true or false")
        }
    }

    func names(_ field: String) throws(InvalidInput) -> [Name]? {
        guard let value = fields.raw(field), let json, !value.elementsEqual("null".utf8) else {
            return nil
        }
        guard let elements = json.elements(of: value) else {
            throw InvalidInput(field: field, "must be an array of names")
        }
        var names: [Name] = []
        for element in elements {
            guard let text = JSONSlices.string(element) else {
                throw InvalidInput(field: field, "must be an array of names")
            }
            names.append(try Name(text, field: field))
        }
        return names
    }
}

/// What a claim is called by in paths: the job's id and the claim's, with a dot between. Clients
/// take it as it is.
struct ClaimName: CustomStringConvertible {
    let job: JobID
    let claim: ClaimToken

    init(_ job: ClaimedJob) {
        (self.job, claim) = (job.id, job.claim)
    }

    init?(_ text: Substring) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let job = JobID(parts[0]), let claim = ClaimToken(parts[1]) else {
            return nil
        }
        (self.job, self.claim) = (job, claim)
    }

    var description: String { "\(job).\(claim)" }
}
