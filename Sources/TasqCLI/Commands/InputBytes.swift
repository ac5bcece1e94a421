import Foundation
import Tasq

/// Reads a body, as a job may have it unless told otherwise, from a file, or from standard input for
/// `-`.
///
/// Throws ``Failure`` that names what cannot be read or is too large.
func readBody(
    from path: String, upTo limit: Int = JobLimits.payloadBytes
) throws(Failure) -> [UInt8] {
    let bytes = try readBytes(from: path, upTo: limit + 1)
    guard bytes.count <= limit else {
        throw Failure(.badData, "\(inputName(path)) is larger than \(limit) bytes")
    }
    return bytes
}

/// Reads a file, or standard input for `-`, up to so many bytes; what follows is not looked at.
///
/// Throws ``Failure`` that names what cannot be read.
private func readBytes(from path: String, upTo limit: Int) throws(Failure) -> [UInt8] {
    let name = inputName(path)
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

private func inputName(_ path: String) -> String { path == "-" ? "standard input" : path }
