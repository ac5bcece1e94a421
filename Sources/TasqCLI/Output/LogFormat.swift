/// How a log event is written; each is one line.
enum LogFormat: String, Sendable, CaseIterable {
    /// Time, level and message, then `key=value`, for people.
    case text
    /// Nothing but `key=value`: `time`, `level` and `msg` first.
    case logfmt
    /// One object of texts: `time`, `level` and `message` first.
    case json

    /// The line of an event; `values` are keys and values in the order they are written.
    func line(
        time: String, level: String, message: String, _ values: [(String, String)]
    ) -> String {
        switch self {
        case .text: Self.plain(time, level, message, values)
        case .logfmt:
            Self.pairs(
                [("time", time), ("level", level), ("msg", message)] + Self.beside(values, "msg"))
        case .json:
            Self.object(
                [("time", time), ("level", level), ("message", message)]
                    + Self.beside(values, "message"))
        }
    }

    private static func plain(
        _ time: String, _ level: String, _ message: String, _ values: [(String, String)]
    ) -> String {
        var line = "\(time) \(level) \(LineLog.oneLine(message))"
        for (key, value) in values {
            let text = LineLog.oneLine(value)
            line += " \(key)=" + (text.contains(" ") || text.isEmpty ? "\"\(text)\"" : text)
        }
        return line
    }

    private static func pairs(_ pairs: [(String, String)]) -> String {
        var line = ""
        for (key, value) in pairs {
            if !line.isEmpty { line += " " }
            line += bareKey(key) + "=" + bareValue(value)
        }
        return line
    }

    private static func object(_ pairs: [(String, String)]) -> String {
        let members = pairs.map { pair in
            JSON.Member(name: pair.0, value: .string(LineLog.bounded(pair.1)))
        }
        return JSON.object(members).text
    }

    /// A blank or an equals sign in a key would look like the next pair.
    private static func bareKey(_ key: String) -> String {
        var bare = ""
        for character in key {
            let isPlain =
                character.isASCII
                && (character.isLetter || character.isNumber || "._-".contains(character))
            bare.append(isPlain ? character : "_")
        }
        return bare
    }

    private static func bareValue(_ value: String) -> String {
        let text = LineLog.oneLine(value)
        let scalars = text.unicodeScalars
        let special = " =\"\\".unicodeScalars
        guard scalars.isEmpty || scalars.contains(where: { special.contains($0) }) else {
            return text
        }
        // By scalars: what combines with a quote would hide it.
        var quoted = "\"".unicodeScalars
        for scalar in scalars {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }

    /// A key that stood there twice would be read as either.
    private static func beside(
        _ values: [(String, String)], _ message: String
    ) -> [(String, String)] {
        values.map { pair in
            let isTaken = ["time", "level", message].contains(pair.0)
            return (isTaken ? pair.0 + "_" : pair.0, pair.1)
        }
    }
}
