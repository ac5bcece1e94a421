/// Where a connection goes: libpq's keywords with their values.
struct ConnectionTarget: Sendable {
    /// `host:port/database`, for every message.
    let safeDescription: String
    /// In libpq's order: the user's own text first, what follows overrides it.
    let parameters: [(keyword: String, value: String)]
    let mayHaveSeveralAddresses: Bool
    /// Whether TLS is never tried over the network, whatever the server wants.
    let forbidsTLS: Bool

    /// The user's `url`, with `defaults` for what it leaves open and `overrides` over all;
    /// `nil` when libpq cannot read it.
    init?(
        url: String, defaults: [(keyword: String, value: String)],
        overrides: [(keyword: String, value: String)] = []
    ) {
        guard let text = ConnectionString(url) else { return nil }
        safeDescription = text.safeDescription
        mayHaveSeveralAddresses = text.mayHaveSeveralAddresses
        forbidsTLS = text["sslmode"] == "disable" && text["host"]?.hasPrefix("/") == false
        parameters =
            [("dbname", url)] + defaults.filter { text[$0.keyword] == nil } + overrides
    }
}
