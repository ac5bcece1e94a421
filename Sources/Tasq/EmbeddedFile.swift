import CEmbedded

/// A file of the sources that is part of the program.
package enum EmbeddedFile {
    /// Its text. To name one that `CEmbedded` does not list is a mistake of the program, which ends.
    package static func text(_ path: String) -> String {
        guard let text = find(path) else {
            fatalError("\(path) is not in Sources/CEmbedded/embedded.c")
        }
        return text
    }

    /// Its text; `nil` where `CEmbedded` lists no file of this path.
    package static func find(_ path: String) -> String? {
        guard let text = unsafe cembedded_text(path) else { return nil }
        return unsafe String(cString: text)
    }

    /// The paths that begin so, in their order.
    package static func paths(startingWith start: String) -> [String] {
        var paths: [String] = []
        var place = 0
        while let text = unsafe cembedded_path(place) {
            let path = unsafe String(cString: text)
            if path.hasPrefix(start) { paths.append(path) }
            place += 1
        }
        return paths.sorted()
    }
}
