import CPostgres

/// A libpq URI or `key=value` string, taken apart by libpq itself.
struct ConnectionString {
    /// What the string says, by libpq's keyword.
    private(set) var said: [String: String] = [:]
    /// What the environment (`PGHOST`, …) and libpq's own defaults say.
    private let assumed: [String: String]

    /// `nil` when libpq cannot read the text. Its reason is not kept: it quotes the text, and the
    /// text holds a password.
    init?(_ text: String) {
        var message: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &message)
        unsafe PQfreemem(message)
        guard let options = unsafe options else { return nil }
        defer { unsafe PQconninfoFree(options) }
        said = unsafe values(of: options)
        guard let defaults = unsafe PQconndefaults() else {
            assumed = [:]
            return
        }
        defer { unsafe PQconninfoFree(defaults) }
        assumed = unsafe values(of: defaults)
    }

    /// The value libpq will use for a keyword.
    subscript(keyword: String) -> String? { said[keyword] ?? assumed[keyword] }

    /// `host:port/database` with every host listed and nothing secret.
    var safeDescription: String {
        let hosts = list("host") ?? list("hostaddr") ?? ["local socket"]
        let ports = list("port") ?? ["5432"]
        let places = hosts.enumerated().map { index, host in
            let said = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
            let port = said.isEmpty ? "5432" : said
            return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
        return places.joined(separator: ",") + "/" + (self["dbname"] ?? self["user"] ?? "")
    }

    /// Whether one attempt may have to walk over several addresses: several hosts, or a name that
    /// may stand for several.
    var mayHaveSeveralAddresses: Bool {
        if said["hostaddr"].map({ !$0.contains(",") }) ?? false { return false }
        guard let host = self["host"] else { return false }
        if host.contains(",") { return true }
        return !host.hasPrefix("/") && !host.allSatisfy { $0.isNumber || $0 == "." }
            && !host.contains(":")
    }

    private func list(_ keyword: String) -> [String]? {
        guard let value = self[keyword], !value.isEmpty else { return nil }
        return value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Copies the values out of libpq's array, which ends with an entry without a keyword.
private func values(of options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
    var values: [String: String] = [:]
    var option = unsafe options
    while let keyword = unsafe option.pointee.keyword {
        if let value = unsafe option.pointee.val {
            unsafe values[String(cString: keyword)] = String(cString: value)
        }
        unsafe option += 1
    }
    return values
}
