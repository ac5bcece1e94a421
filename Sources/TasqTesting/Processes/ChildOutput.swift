/// What a child process has written, and what its keeper has reported between the lines.
struct ChildOutput: Sendable {
    enum Stream: Sendable, Hashable {
        case output, error
    }

    struct Line: Sendable {
        var stream: Stream
        var text: String
    }

    /// How much text is kept; older lines go first.
    static let sizeLimit = 16 << 20
    /// The longest line; a longer one is cut into several.
    static let lineLimit = 1 << 20
    /// How many lines an error message quotes.
    static let tailLength = 12

    private(set) var lines: [Line] = []
    /// How many older lines are gone.
    private var dropped = 0
    private(set) var pid: Int32?
    private var size = 0
    private var pending: [Stream: [UInt8]] = [:]
    private var endings: [Stream: ChildProcess.Exit] = [:]

    /// How the process ended, known once all that both streams said before has been read.
    var exit: ChildProcess.Exit? {
        guard endings[.error] != nil else { return nil }
        return endings[.output]
    }

    /// All lines of one stream that are kept.
    func text(of stream: Stream) -> String {
        lines.lazy.filter { $0.stream == stream }.map(\.text).joined(separator: "\n")
    }

    /// The first line with the text among those from `position` on, which moves past what was seen.
    func line(containing text: String, from position: inout Int) -> String? {
        while position < dropped + lines.count {
            position = max(position, dropped) + 1
            let line = lines[position - dropped - 1].text
            if line.contains(text) { return line }
        }
        return nil
    }

    /// The last lines, for an error message: ": a / b / c".
    var tail: String {
        let last = lines.suffix(Self.tailLength).map(\.text)
        return last.isEmpty ? "" : ": " + last.joined(separator: " / ")
    }

    /// Takes the next bytes of one stream; a line that contains `mark` is the keeper's.
    mutating func append(_ bytes: some Sequence<UInt8>, to stream: Stream, mark: String) {
        var line = pending[stream] ?? []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                line = finish(line, of: stream, mark: mark)
            } else {
                line.append(byte)
                if line.count >= Self.lineLimit { line = finish(line, of: stream, mark: mark) }
            }
        }
        pending[stream] = line
    }

    /// Notes that a stream is closed: whoever kept the process is gone without a word.
    mutating func close(_ stream: Stream) {
        if endings[stream] == nil { endings[stream] = .signal(9) }
    }

    /// Files a whole line; returns the beginning of the next if the keeper spoke in mid-line.
    private mutating func finish(_ bytes: [UInt8], of stream: Stream, mark: String) -> [UInt8] {
        let line = String(decoding: bytes, as: UTF8.self)
        let parts = line.split(
            separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            keep(line, of: stream)
            return []
        }
        let words = parts[1].split(separator: " ")
        guard words.count == 2, let number = Int32(words[1]) else { return [] }
        if words[0] == "pid" {
            pid = number
            return Array(parts[0].utf8)
        }
        if !parts[0].isEmpty { keep(String(parts[0]), of: stream) }
        endings[stream] = words[0] == "signal" ? .signal(number) : .code(number)
        return []
    }

    private mutating func keep(_ line: String, of stream: Stream) {
        lines.append(Line(stream: stream, text: line))
        size += line.utf8.count + 1
        guard size > Self.sizeLimit else { return }
        var gone = 0
        while size > Self.sizeLimit / 2, gone < lines.count {
            size -= lines[gone].text.utf8.count + 1
            gone += 1
        }
        lines.removeFirst(gone)
        dropped += gone
    }
}
