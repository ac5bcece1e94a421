/// Where a connection goes: libpq's keywords with their values.
struct ConnectionTarget: Sendable {
    /// `host:port/database`, for every message.
    let safeDescription: String
    /// In libpq's order: the user's own text first, what follows overrides it.
    let parameters: [(keyword: String, value: String)]
    let mayHaveSeveralAddresses: Bool

    /// The user's `url`, with `defaults` for what it leaves open and `overrides` over all;
    /// `nil` when libpq cannot read it.
    init?(
        url: String, defaults: [(keyword: String, value: String)],
        overrides: [(keyword: String, value: String)] = []
    ) {
        guard let text = ConnectionString(url) else { return nil }
        safeDescription = text.safeDescription
        mayHaveSeveralAddresses = text.mayHaveSeveralAddresses
        parameters =
            [("dbname", url)] + defaults.filter { text[$0.keyword] == nil } + overrides
    }
}
