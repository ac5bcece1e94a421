import FoundationEssentials
import TasqTesting
import TasqWebhooks

/// Which programs runs are runs of.
enum Build {
    /// By what `tasq` and `tasq-chaos` are, byte by byte: any other program has another name.
    static func fingerprint() throws -> String {
        let algorithm = SignatureScheme.Algorithm.sha256
        let hashes = try ["tasq", "tasq-chaos"].map { name in
            let path = try ChildProcess.built(name)
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw TestingError.missing("\(path) cannot be read")
            }
            return algorithm.hash([UInt8](bytes))
        }
        let hash = algorithm.hash(hashes.flatMap { $0 })
        return "programs-\(SignatureScheme.Encoding.hex.encode(hash).prefix(12))"
    }
}
