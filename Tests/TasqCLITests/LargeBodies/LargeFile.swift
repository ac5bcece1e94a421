import Foundation
import TasqTesting
import TasqWebhooks
import Testing

/// A file with a large body in it, written by a shell: quick in a debug build too.
struct LargeFile: Sendable {
    static let mebibyte = 1_048_576

    let path: String
    private let file: TemporaryFile

    /// JSON of so many bytes, blanks at its end; `isRandom` for what does not pack well.
    static func json(_ bytes: Int, isRandom: Bool = false) async throws -> LargeFile {
        let source = isRandom ? "/dev/urandom" : "/dev/zero"
        return try await LargeFile(
            """
            (printf '{"seconds":0,"pad":"'; head -c \(bytes * 3 / 4 - 100) \(source) | base64 -w0 \
            | tr +/ ab; printf '"}'; head -c 200 /dev/zero | tr '\\0' ' ') | head -c \(bytes)
            """)
    }

    /// What the script writes.
    init(_ script: String) async throws {
        file = try TemporaryFile("", name: "large")
        path = file.path
        let shell = try await ChildProcess.start(
            "/bin/sh", ["-c", "exec > \"$0\"; \(script)", file.path])
        #expect(try await shell.wait() == .code(0))
    }

    var bytes: [UInt8] {
        get throws { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }
    }

    /// As `sha256sum` says it.
    var sha256: String {
        get throws {
            SignatureScheme.Encoding.hex.encode(SignatureScheme.Algorithm.sha256.hash(try bytes))
        }
    }
}

/// The most memory a process has had, in bytes, as Linux tells it.
func peakMemory(of process: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    let fields = line.split(whereSeparator: \.isWhitespace)
    return 1024 * (try #require(fields.count > 1 ? Int(fields[1]) : nil))
}
