import NIOCore
import Tasq

/// Commands on their way to Redis, already in its protocol: arrays of length-prefixed words.
///
/// Writing these is a dozen lines and copies once, into the buffer the socket writes from;
/// hiredis's formatter would want every word as a C pointer and copy twice.
struct Commands: Sendable {
    private(set) var bytes = ByteBuffer()
    private(set) var count = 0

    /// Appends one command.
    mutating func append(_ words: [String]) {
        begin(words: words.count)
        for word in words { append(word: word) }
    }

    /// Appends one command whose last words are ids.
    mutating func append(_ words: [String], _ ids: ArraySlice<JobID>) {
        begin(words: words.count + ids.count)
        for word in words { append(word: word) }
        for id in ids {
            bytes.writeStaticString("$36\r\n")
            bytes.writeBytes(id.utf8)
            bytes.writeStaticString("\r\n")
        }
    }

    private mutating func begin(words: Int) {
        bytes.writeString("*\(words)\r\n")
        count += 1
    }

    private mutating func append(word: String) {
        bytes.writeString("$\(word.utf8.count)\r\n")
        bytes.writeString(word)
        bytes.writeString("\r\n")
    }
}

extension Commands {
    init(_ words: String...) {
        append(words)
    }

    init(_ words: [String]) {
        append(words)
    }
}
