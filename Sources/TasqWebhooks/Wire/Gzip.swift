import CZlib

/// Why bytes could not be unpacked.
enum GzipFault: Error {
    /// They are not gzip, or do not end where it does.
    case malformed
    /// There is more in them than is allowed.
    case tooLarge
}

/// Unpacks gzip (RFC 1952), all its members, to at most `limit` bytes; what would be more is not
/// unpacked any further.
func unpacked(gzip bytes: [UInt8], upTo limit: Int) throws(GzipFault) -> [UInt8] {
    guard let count = UInt32(exactly: bytes.count) else { throw .tooLarge }
    var stream = unsafe z_stream()
    // 16 on top of the largest window: gzip, and nothing else.
    guard
        unsafe inflateInit2_(
            &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw .malformed }
    defer { _ = unsafe inflateEnd(&stream) }
    var result: [UInt8] = []
    // Pages that are not written to cost nothing, and growing would hold it twice.
    result.reserveCapacity(limit)
    var piece = [UInt8](repeating: 0, count: 65_536)
    let fault: GzipFault? = unsafe bytes.withUnsafeBufferPointer { input in
        unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.avail_in = count
        while true {
            let code = unsafe piece.withUnsafeMutableBufferPointer { output in
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(output.count)
                return unsafe inflate(&stream, Z_NO_FLUSH)
            }
            let left = unsafe Int(stream.avail_out)
            guard piece.count - left <= limit - result.count else { return .tooLarge }
            result += piece.dropLast(left)
            switch code {
            case Z_OK:
                // It has room and wants more input than there is.
                if left > 0, unsafe stream.avail_in == 0 { return .malformed }
            case Z_STREAM_END:
                if unsafe stream.avail_in == 0 { return nil }
                guard unsafe inflateReset(&stream) == Z_OK else { return .malformed }
            default: return .malformed
            }
        }
    }
    if let fault { throw fault }
    return result
}
