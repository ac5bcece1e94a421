import CHiredis

/// Makes replies of the bytes that come from Redis: hiredis's parser with limits of our own.
///
/// The bytes are a stranger's. hiredis checks their form, but believes every length: an array of
/// two thousand million elements is allocated at once. So its function that makes arrays is
/// replaced by one that counts, and the bytes of an unfinished reply are counted too.
@safe
struct ReplyReader: ~Copyable {
    private typealias MakeArray =
        @convention(c) (UnsafePointer<redisReadTask>?, Int32) -> UnsafeMutableRawPointer?

    /// What hiredis hands to the function that makes arrays.
    @safe
    private struct Budget {
        var elements = 0
        var makeArray: MakeArray?
    }

    private let reader: UnsafeMutablePointer<redisReader>?
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let budget: UnsafeMutablePointer<Budget>
    /// Bytes of the reply that is not finished yet.
    private var unfinished = 0

    init() {
        unsafe functions = .allocate(capacity: 1)
        unsafe functions.initialize(to: redisReplyObjectFunctions())
        unsafe budget = .allocate(capacity: 1)
        unsafe budget.initialize(to: Budget())
        unsafe reader = redisReaderCreate()
        guard let reader = unsafe reader, let stock = unsafe reader.pointee.fn else { return }
        unsafe functions.pointee = stock.pointee
        unsafe budget.pointee.makeArray = stock.pointee.createArray
        unsafe functions.pointee.createArray = { task, count in
            guard let task = unsafe task, let privdata = unsafe task.pointee.privdata else {
                return nil
            }
            let budget = unsafe privdata.assumingMemoryBound(to: Budget.self)
            unsafe budget.pointee.elements += Int(count)
            guard unsafe budget.pointee.elements <= RedisLimits.replyElements else { return nil }
            return unsafe budget.pointee.makeArray?(task, count)
        }
        unsafe reader.pointee.fn = unsafe functions
        unsafe reader.pointee.privdata = unsafe UnsafeMutableRawPointer(budget)
    }

    deinit {
        unsafe redisReaderFree(reader)
        unsafe functions.deallocate()
        unsafe budget.deallocate()
    }

    /// Takes the next bytes, however they were cut.
    mutating func feed(_ bytes: RawSpan) throws(ReplyError) {
        unfinished += bytes.byteCount
        guard unfinished <= RedisLimits.replyBytes else {
            throw ReplyError(description: "a reply of more than \(RedisLimits.replyBytes) bytes")
        }
        let status = unsafe bytes.withUnsafeBytes { buffer in
            unsafe redisReaderFeed(
                reader, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard status == REDIS_OK else { throw failure }
    }

    /// The next whole reply; `nil` until more bytes have come.
    mutating func next() throws(ReplyError) -> Reply? {
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure }
        guard let object = unsafe object else { return nil }
        defer { unsafe freeReplyObject(object) }
        unsafe budget.pointee.elements = 0
        if let reader = unsafe reader {
            unfinished = unsafe Int(clamping: reader.pointee.len - reader.pointee.pos)
        }
        return unsafe Reply(object.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private var failure: ReplyError {
        guard let reader = unsafe reader else {
            return ReplyError(description: "no memory for a reader")
        }
        switch unsafe reader.pointee.err {
        case REDIS_ERR_OOM:
            return ReplyError(
                description: "a reply of more than \(RedisLimits.replyElements) elements")
        default:
            return ReplyError(description: "bytes that are not the Redis protocol")
        }
    }
}

extension Reply {
    /// Copies a reply that hiredis made; it is nested at most seven deep.
    fileprivate init(_ reply: redisReply) {
        switch unsafe reply.type {
        case REDIS_REPLY_STATUS: self = unsafe .status(Self.text(of: reply))
        case REDIS_REPLY_ERROR: self = unsafe .error(Self.text(of: reply))
        case REDIS_REPLY_INTEGER: self = unsafe .integer(reply.integer)
        case REDIS_REPLY_STRING: self = unsafe .bytes(Array(Self.bytes(of: reply)))
        case REDIS_REPLY_ARRAY:
            let elements = unsafe UnsafeBufferPointer(
                start: reply.element, count: reply.element == nil ? 0 : reply.elements)
            self = unsafe .array(
                elements.map { element in
                    guard let element = unsafe element else { return .null }
                    return unsafe Reply(element.pointee)
                })
        default: self = .null
        }
    }

    private static func bytes(of reply: redisReply) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : reply.len)
    }

    private static func text(of reply: redisReply) -> String {
        unsafe String(
            decoding: bytes(of: reply).prefix(RedisLimits.errorBytes), as: UTF8.self)
    }
}
