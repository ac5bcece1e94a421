import ArgumentParser

/// The arguments as they came, byte for byte.
///
/// Swift puts U+FFFD in place of what is not UTF-8 and says nothing: keys that differ would become
/// one.
enum RawArguments {
    /// Throws `ValidationError` naming the place of the first that is not UTF-8.
    static func check() throws {
        // The first is the program's own name.
        for place in (0..<Int(CommandLine.argc)).dropFirst() {
            guard let argument = unsafe CommandLine.unsafeArgv[place] else { return }
            guard unsafe String(validatingCString: argument) != nil else {
                throw ValidationError("argument \(place) is not UTF-8")
            }
        }
    }
}
