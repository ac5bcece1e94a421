import Tasq

/// What one listener allows; every connection and request is bounded by these.
public struct HTTPLimits: Sendable, Hashable {
    /// Bytes of a request's body; a longer one is refused with 413.
    public var bodyBytes = 1_048_576
    /// Bytes of a request's target, header names and values together; more is refused with 431.
    public var headerBytes = 16_384
    /// Header fields of a request; more is refused with 431.
    public var headerFields = 100
    /// Time from a request's first byte to its last; a slower one is cut with 408.
    public var request = Duration.seconds(10)
    /// How long a connection may stand open between requests. Longer than what stands in front waits:
    /// a proxy that keeps connections for just as long would send requests on ones being closed.
    public var idle = Duration.seconds(75)
    /// Time a client has to take an answer; a slower one is disconnected.
    public var answer = Duration.seconds(10)
    /// How long the rest of a refused request is read and thrown away before the connection is
    /// closed, so that the client gets to see the answer.
    public var linger = Duration.seconds(2)
    /// Open connections; more wait in the system's backlog.
    public var connections = 10_000
    /// Complete requests being worked on; more are refused with 503.
    public var inFlight = 2000
    /// Bytes that bodies and answers beyond their first ``freeBodyBytes`` may hold in memory, all
    /// connections together; one that finds no room within ``roomPatience`` is refused with 503.
    public var bufferedBytes = 268_435_456

    /// Bytes of each body that are not counted against ``bufferedBytes``: small requests get
    /// through while somebody sends many large ones.
    public static let freeBodyBytes = 65_536
    /// How long a request waits for room in memory, all its waits together. Its time to arrive stands
    /// still meanwhile.
    public static let roomPatience = Duration.seconds(5)
    /// Bytes that an answer holds which is sent piece by piece: one piece, here and in libpq.
    static let pieceRoom = 4 * pieceBytes

    /// The limits as they stand above.
    public init() {}
}
