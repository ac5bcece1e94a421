import Testing

@testable import TasqHTTP

/// The specification as a generator of requests needs it.
///
/// A schema cannot say that a text has so many bytes, that a day is one of its month, or that a
/// duration lies between two others: the server refuses what breaks such a rule, and a generator
/// would take that for a fault. So it is given a copy that allows less where no schema says it all,
/// to ask for what is allowed; what is not, it asks for by the specification itself.
enum NarrowedSpecification {
    /// What stands in the specification once, and what takes its place.
    static let narrowings: [(wide: String, narrow: String)] = [
        // An id is one of a job only if the time in it may be.
        (
            #"type: string, pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\\.[0-9]{1,19})?$""#,
            #"type: string, pattern: "^019[0-9a-f]{5}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$""#
        ),
        // Two that go with one status alone.
        (#"schema: { type: boolean, default: false } }"#, #"schema: { enum: [false] } }"#),
        (
            ##"        - { $ref: "#/components/parameters/running" }"## + "\n", ""
        ),
        (
            #"minLength: 1, maxLength: 2000, pattern: '^[^\u0000]+$',"#,
            #"pattern: "^[ -~]{1,200}$","#
        ),
        (
            #"pattern: "^(/([^/~=]|~[01])*)*=", maxLength: 2000"#,
            #"pattern: "^(/[a-z0-9]{0,5}){0,5}=[a-z0-9]{0,9}$""#
        ),
        (
            #""^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$""#,
            #""^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$""#
        ),
        (
            #"Duration: { type: string, pattern: "^[0-9]+(ms|s|m|h|d)$""#,
            #"Duration: { type: string, pattern: "^[0-9]{1,4}(ms|s|m|h|d)$""#
        ),
        (
            #"Key: { type: string, minLength: 1, maxLength: 200, pattern: '^[^\u0000]+$',"#,
            #"Key: { type: string, pattern: "^[ -~]{1,200}$","#
        ),
        (
            #"error: { type: [string, "null"], pattern: '^[^\u0000]*$',"#,
            #"error: { type: [string, "null"], pattern: "^[ -~]*$","#
        ),
        (
            #"minLength: 1, maxLength: 255, pattern: '^[^\u0000]+$',"#,
            #"pattern: "^[!-~]{1,255}$","#
        ),
        (
            #"wait: { anyOf: [{ type: string, pattern: "^[0-9]+(ms|s|m|h|d)$" }"#,
            #"wait: { anyOf: [{ type: string, pattern: "^(30|[12]?[0-9])s$|^[0-9]{1,4}ms$" }"#
        ),
        (
            #""^[0-9]+(ms|s|m|h)$""#,
            #""^([3-9]|[1-5][0-9])s$|^([1-9]|[1-5][0-9])m$""#
        ),
        (
            #"max_age: { oneOf: [{ type: string, pattern: "^[0-9]+(ms|s|m|h|d)$" }"#,
            #"max_age: { oneOf: [{ type: string, pattern: "^([1-9][0-9]{0,6}s|[1-9][0-9]?d)$" }"#
        ),
        (
            #"Wait: { oneOf: [{ type: string, pattern: "^[0-9]+(ms|s|m|h|d)$" }"#,
            #"Wait: { oneOf: [{ type: string, pattern: "^[0-9]{1,4}(ms|s|m|h|d)$" }"#
        ),
        (#""^(19[7-9][0-9]|[2-9][0-9]{3})-"#, #""^20[0-9]{2}-"#),
        (#"(0[1-9]|[12][0-9]|3[01])[Tt]"#, #"(0[1-9]|1[0-9]|2[0-8])T"#),
        (#"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$""#, #"Z$""#),
        (
            ##"run_at: { oneOf: [{ $ref: "#/components/schemas/Time" }, { type: "null" }],"##,
            #"run_at: { type: [string, "null"], format: date-time, pattern: "^20[3-9][0-9]-","#
        ),
        (
            "cron: { type: string, minLength: 1, maxLength: 200,",
            ##"cron: { type: string, pattern: "^([0-5]?[0-9]|[*]) ([0-9]|[*]) [*] [*] [0-7]$","##
        ),
        (#"zone: { type: [string, "null"],"#, #"zone: { enum: [UTC, Europe/Berlin, null],"#),
        (
            ##"jitter: { oneOf: [{ $ref: "#/components/schemas/Wait" }, { type: "null" }],"##,
            #"jitter: { type: [string, "null"], pattern: "^[0-9]{1,2}[sm]$","#
        ),
        (
            ##"start: { oneOf: [{ $ref: "#/components/schemas/Time" }, { type: "null" }],"##,
            #"start: { enum: ["2026-01-31T00:00:00Z", null],"#
        ),
        (
            ##"end: { oneOf: [{ $ref: "#/components/schemas/Time" }, { type: "null" }],"##,
            #"end: { enum: ["2099-12-31T00:00:00+01:00", null],"#
        ),
    ]

    /// Throws when something that is narrowed does not stand there.
    static func text() throws -> String {
        var text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        for (wide, narrow) in narrowings {
            try #require(text.components(of: wide) == 1, "\(wide)")
            text = text.replacing(wide, with: narrow)
        }
        return text
    }
}
