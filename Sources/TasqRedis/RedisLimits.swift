import NIOCore
import Tasq

/// The bounds that keep a slow, full, hostile or absent Redis from costing more than latency.
enum RedisLimits {
    /// Bytes of one reply.
    static let replyBytes = 64 << 20
    /// Elements of one reply, nested ones included.
    static let replyElements = 1 << 20
    /// Bytes of an error that are looked at.
    static let errorBytes = 512
    /// Bytes of an epoch mark that are returned; ours are shorter.
    static let markBytes = 1024
    /// Marks of queues that are read at once.
    static let marksRead = 100
    /// Commands sent on one connection and not answered yet.
    static let pendingCommands = 10_000
    /// Bytes sent on one connection and not answered yet.
    static let pendingBytes = 16 << 20
    /// Ids on one list. A longer one is cut to its oldest fifteen sixteenths, so that not every push
    /// that follows has to cut it again.
    static let idsPerList = 1 << 20
    /// Ids in one `LPUSH`.
    static let idsPerPush = 1000
    /// Pushes of a refill that are under way at once.
    static let pushesPerWindow = 64
    /// Ids one take returns at most, and the lists it looks at.
    static let idsPerTake = 10_000
    /// Ids that a take at a server without `BLMPOP` returns at most: as many may be lost with one
    /// answer.
    static let idsPerOldTake = 500
    /// Elements that are removed one by one, in one go.
    static let removalsAtOnce = 50
    /// Lists at most whose keys hold something else and that takes leave out.
    static let strangeLists = 1000
    /// Elements that are popped one by one, in one go.
    static let popsAtOnce = 1000
    /// Takes of one announcer that wait at once, each on its own connection.
    static let takeConnections = 8

    /// How long a connection may take to stand.
    static let connectTime = TimeAmount.seconds(2)
    /// How long Redis may take to answer anything else.
    static let answerTime = TimeAmount.seconds(2)
    /// How much longer than its wait a blocking take may last.
    static let takeGrace = Duration.seconds(2)
    /// How long an announcement keeps its caller; its answer is then counted without one.
    static let patience = TimeAmount.milliseconds(100)
    /// How long a cancelled take is given to end in order before its connection is cut.
    static let cancelGrace = TimeAmount.seconds(2)
    /// How long a cancelled take waits before it asks again to be woken.
    static let unblockPause = TimeAmount.milliseconds(25)
    /// The longest wait of one take; a longer one ends early, with nothing.
    static let longestWait = Duration.seconds(60)
    /// The shortest wait that blocks. An idle server ends a blocking command at its next tick only,
    /// which may take a hundred milliseconds, so a shorter wait is made here, between two looks.
    static let shortestWait = Duration.milliseconds(10)
    /// How often a connection on which a worker is seen is tried: as often as it beats.
    static let presencePause = Duration.seconds(2)
    /// How long it may be silent before it is given up for good.
    static let presenceTime = TimeAmount.seconds(60)
    /// Bytes of an answer to `INFO` that are looked at.
    static let infoBytes = 16 << 10
    /// How long one sentinel may take before the next is asked, and one node before the next is
    /// asked for a cluster's map.
    static let sentinelTime = TimeAmount.milliseconds(500)
    static let mapTime = TimeAmount.milliseconds(500)
    /// How many of them are asked before the question counts as failed, until it is asked again.
    static let placesAsked = 6
    /// The shortest pause between two such questions.
    static let mapPause = TimeAmount.milliseconds(100)
    /// How often it is asked where the servers are, while connections stand.
    static let watchPause = TimeAmount.seconds(2)
    /// Nodes of a cluster.
    static let clusterNodes = 1000
    /// How often one command is sent elsewhere before its answer counts.
    static let redirections = 5
    /// How long a command waits that met a slot on its way to another node.
    static let migrationPause = TimeAmount.milliseconds(50)
    /// The pause between two looks of a take at a slot that is on its way.
    static let walkPause = Duration.milliseconds(100)
    /// How long a take rests before it fails because no node serves its queue.
    static let unservedPause = Duration.milliseconds(500)
    /// How long a take waits while some of its lists cannot be taken from.
    static let partialTime = Duration.milliseconds(100)
    /// How long a take waits that leaves out a list whose key holds something else, which lasts until
    /// somebody mends it.
    static let strangeWait = Duration.seconds(1)
    /// How long the takes of some of many queues wait before others have their turn.
    static let turnTime = Duration.seconds(1)
    /// The wait after the first failure, and the longest.
    static let waits = Duration.milliseconds(50)...Duration.seconds(2)
    /// For how long Redis is left alone after failures.
    static var backoff: Backoff {
        Backoff(from: waits.lowerBound, to: waits.upperBound, spread: 0.5...1)
    }
    /// How long it is remembered that a server lacks a command.
    static let missingTime = Duration.seconds(60)
    /// How long takes leave out a list whose key holds something else, until it is looked at again.
    static let strangeTime = Duration.seconds(2)
    /// How long a list is left as it is after a failed attempt to cut it.
    static let trimPause = Duration.seconds(10)
    /// A fault that comes back within this time of its last warning is no news.
    static let quietTime = Duration.seconds(10)
    /// Faults remembered at once.
    static let openFaults = 256
}
