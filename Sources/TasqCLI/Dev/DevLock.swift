import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps two `tasq dev` from using one directory; falls with its process, however that ends.
final class DevLock: Sendable {
    private let file: FileHandle

    /// Makes the directory, and `log` in it. Throws ``Failure`` when another process is there.
    init(in directory: String) throws {
        let path = directory + "/lock"
        do {
            try FileManager.default.createDirectory(
                atPath: directory + "/log", withIntermediateDirectories: true)
        } catch {
            throw Failure(.misconfigured, "cannot make \(directory): run tasq dev elsewhere")
        }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: Data())
        }
        guard let file = FileHandle(forUpdatingAtPath: path) else {
            throw Failure(.misconfigured, "cannot open \(path): check its permissions")
        }
        guard flock(file.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(.refused, "another tasq dev runs in \(directory): stop it first")
        }
        self.file = file
    }

    /// Lets the next one in.
    func release() {
        flock(file.fileDescriptor, LOCK_UN)
    }
}
