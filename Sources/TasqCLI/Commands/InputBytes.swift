import Foundation

/// Reads a file, or standard input for `-`, up to so many bytes; what follows is not looked at.
///
/// Throws ``Failure`` that names what cannot be read.
func readBytes(from path: String, upTo limit: Int) throws(Failure) -> [UInt8] {
    let name = path == "-" ? "standard input" : path
    let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
    guard let handle else {
        throw Failure(.badData, "\(name) cannot be read: check the path and its permissions")
    }
    var bytes: [UInt8] = []
    do {
        while bytes.count < limit, let more = try handle.read(upToCount: limit - bytes.count),
            !more.isEmpty
        {
            bytes += more
        }
    } catch {
        throw Failure(.badData, "\(name) cannot be read")
    }
    return bytes
}
