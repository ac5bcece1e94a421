import Tasq
import TasqTesting

/// What happens to Redis and to what is in it.
extension Fault {
    static var redisFaults: [Fault] {
        [
            redisFlush, redisLoseHints, redisDuplicateHints, redisKill, redisHang, redisFull,
            redisEvict, redisOldFile, redisLimits, redisReadOnly, redisSentinel, redisCluster,
        ]
    }

    private static var redisFlush: Fault {
        Fault(
            name: "redis-flush", summary: "FLUSHALL every two seconds", isQuick: true,
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed")]
        ) { rig in
            for _ in 0..<5 {
                try await rig.redis.command("FLUSHALL")
                try await rig.pass(.seconds(2))
            }
            return []
        }
    }

    private static var redisLoseHints: Fault {
        Fault(
            name: "redis-lose-hints",
            summary: "ids vanish from a list that never empties", isQuick: true,
            setup: Setup(
                load: .plain(milliseconds: 20), fillsMachine: true, excuses: Excuse.ofSlowness),
            limits: [
                .noRequestFails, .atMost(10_000, "lost ids all run after"),
                .atLeast(1, "shortest list meanwhile"), .struck(50),
            ]
        ) { rig in
            // More is asked for than the slots can do, so that the list is long from here on.
            let rate = rig.load.rate
            rig.load.rate = rate * 8
            try await eventually("the list is long") { try await rig.listed() > 500 }
            let lost = try await rig.loseIDs(100)
            let begin = ContinuousClock.now
            let ids = lost.map { "'\($0)'" }.joined(separator: ",")
            var shortest = Int.max
            let came = await rig.comes(within: .seconds(60), "the lost ones have run") {
                let listed = try await rig.listed()
                shortest = min(shortest, listed)
                return try await rig.number(
                    """
                    SELECT count(*) FROM tasq.job
                    WHERE id IN (\(ids)) AND status IN ('scheduled', 'queued')
                    """) == 0
            }
            rig.load.rate = rate
            return [
                Figure(
                    name: "lost ids all run after",
                    value: came ? (ContinuousClock.now - begin) / .milliseconds(1) : 9e9,
                    unit: "ms"),
                Figure(name: "shortest list meanwhile", value: Double(shortest)),
                .struck(lost.count),
            ]
        }
    }

    private static var redisDuplicateHints: Fault {
        Fault(
            name: "redis-duplicate-hints",
            summary: "every id is announced ten times over, whatever became of its job",
            isQuick: true, setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [
                .atMost(0, "runs repeated"), .atLeast(85, "rate during, share"), .struck(1000),
            ]
        ) { rig in
            var struck = 0
            for _ in 0..<16 {
                struck += try await rig.announceAgain(jobs: 200, times: 10)
                try await rig.pass(.milliseconds(250))
            }
            return [.struck(struck)]
        }
    }

    private static var redisKill: Fault {
        Fault(
            name: "redis-kill", summary: "Redis is killed, stays away, and comes back empty",
            isQuick: true, setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + Limit.noneSleeps + [
                .atLeast(50, "rate during, share"), .atMost(5000, "healed"),
                // Each process says so, once.
                .atLeast(0.1, "lines a second about it"), .atMost(1, "lines a second about it"),
            ]
        ) { rig in
            let before = await rig.linesAboutRedis()
            await rig.redis.kill()
            try await rig.pass(.seconds(10))
            let said = zip(await rig.linesAboutRedis(), before).map { Double($0 - $1) / 10 }
            try await rig.redis.restart()
            return [Figure(name: "lines a second about it", value: said.max() ?? 0)]
        }
    }

    private static var redisHang: Fault {
        Fault(
            name: "redis-hang", summary: "Redis stands still with its connections open",
            isQuick: true, setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + Limit.noneSleeps + [
                .atLeast(50, "rate during, share"), .atMost(5000, "healed"),
            ]
        ) { rig in
            rig.redis.pause()
            try await rig.pass(.seconds(8))
            rig.redis.resume()
            try await rig.redis.command("CLIENT", "PAUSE", "4000", "ALL")
            try await rig.pass(.seconds(5))
            return []
        }
    }

    private static var redisFull: Fault {
        Fault(
            name: "redis-full", summary: "Redis has no memory left and refuses writes",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [
                .atLeast(50, "rate during, share"), .atMost(5000, "healed"), .struck(),
            ]
        ) { rig in
            try await rig.redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            try await rig.redis.command("CONFIG", "SET", "maxmemory", "1")
            try await rig.pass(.seconds(8))
            try await rig.redis.command("CONFIG", "SET", "maxmemory", "0")
            let struck = try await rig.redisCount("errorstat_OOM", of: "errorstats")
            return [.struck(struck)]
        }
    }

    private static var redisEvict: Fault {
        Fault(
            name: "redis-evict", summary: "Redis evicts the lists and the mark to make room",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed"), .struck()]
        ) { rig in
            try await rig.redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
            for _ in 0..<4 {
                try await rig.redis.command("CONFIG", "SET", "maxmemory", "1")
                try await rig.pass(.milliseconds(200))
                try await rig.redis.command("CONFIG", "SET", "maxmemory", "0")
                try await rig.pass(.seconds(2))
            }
            try await rig.redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            let struck = try await rig.redisCount("evicted_keys", of: "stats")
            return [.struck(struck)]
        }
    }

    private static var redisOldFile: Fault {
        Fault(
            name: "redis-old-file", summary: "Redis is killed and comes back with an old dump",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed")]
        ) { rig in
            let rate = rig.load.rate
            rig.load.rate = rate * 4
            try await rig.pass(.seconds(1))
            try await rig.redis.command("SAVE")
            rig.load.rate = rate
            try await rig.pass(.seconds(4))
            await rig.redis.kill()
            try await rig.redis.restart()
            try await rig.pass(.seconds(3))
            return []
        }
    }

    private static var redisLimits: Fault {
        Fault(
            name: "redis-limits",
            summary: "Redis asks for a password, takes no connections, cuts those it has",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + Limit.noneSleeps + [.atMost(5000, "healed"), .struck(2)]
        ) { rig in
            let redis = rig.redis
            try await redis.command("CONFIG", "SET", "requirepass", "secret")
            try await redis.commandAs("secret", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try await rig.pass(.seconds(3))
            try await redis.commandAs("secret", "CONFIG", "SET", "requirepass", "")
            try await rig.pass(.seconds(1))
            // All over one connection: a second one would not be let in.
            let limit = """
                { printf 'CONFIG SET maxclients 1\nCLIENT KILL TYPE normal SKIPME yes\n'
                sleep 3
                printf 'CONFIG SET maxclients 1000\n'; } | redis-cli -p \(redis.port)
                """
            try await ChildProcess.run(["sh", "-c", limit])
            for _ in 0..<5 {
                try await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                try await rig.pass(.milliseconds(800))
            }
            let strangers = try await rig.redisCount("errorstat_NOAUTH", of: "errorstats")
            let rejected = try await rig.redisCount("rejected_connections", of: "stats")
            return [.struck((strangers > 0 ? 1 : 0) + (rejected > 0 ? 1 : 0))]
        }
    }

    private static var redisReadOnly: Fault {
        Fault(
            name: "redis-readonly", summary: "Redis becomes a replica for a while",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed"), .struck()]
        ) { rig in
            try await rig.redis.command("REPLICAOF", "127.0.0.1", "1")
            try await rig.pass(.seconds(6))
            try await rig.redis.command("REPLICAOF", "NO", "ONE")
            let struck = try await rig.redisCount("errorstat_READONLY", of: "errorstats")
            return [.struck(struck)]
        }
    }
}

extension Rig {
    private static let lists = ["default", "second"].flatMap { queue in
        (0...3).map { "tasq:{\(queue)}:ready:\($0)" }
    }

    /// What each process has logged of Redis so far, in lines.
    fileprivate func linesAboutRedis() async -> [Int] {
        var counts: [Int] = []
        for member in members {
            counts.append(await member.lines.count { $0.lowercased().contains("redis") })
        }
        return counts
    }

    /// Ids on all lists.
    func listed() async throws -> Int {
        let script = """
            local n = 0
            for _, list in ipairs(KEYS) do n = n + redis.call('llen', list) end
            return n
            """
        let words = ["EVAL", script, "\(Self.lists.count)"] + Self.lists
        return Int(try await redis.command(words)) ?? 0
    }

    /// Takes ids from the middle of the lists, where nobody will miss them, and tells which.
    func loseIDs(_ count: Int) async throws -> [Substring] {
        let script = """
            local lost = {}
            for i = 1, tonumber(ARGV[1]) do
                local list = KEYS[i % #KEYS + 1]
                local n = redis.call('llen', list)
                if n > 0 then
                    local id = redis.call('lindex', list, (i * 7919 + ARGV[2]) % n)
                    redis.call('lrem', list, 0, id)
                    lost[#lost + 1] = id
                end
            end
            return lost
            """
        let words =
            ["EVAL", script, "1", "tasq:{default}:ready:1", "\(count)", "\(draw(0...100_000))"]
        return try await redis.command(words).split(separator: "\n")
    }

    /// Announces jobs again, whatever their status; returns how many ids that were.
    @discardableResult
    func announceAgain(jobs count: Int, times: Int) async throws -> Int {
        let ids = try await sql(
            """
            SELECT id FROM tasq.job WHERE queue = 'default'
            ORDER BY id DESC LIMIT \(count)
            """
        ).split(separator: "\n").map(String.init)
        guard !ids.isEmpty else { return 0 }
        var words = ["LPUSH", "tasq:{default}:ready:1"]
        for _ in 0..<times { words += ids.shuffled(by: self) }
        try await redis.command(words)
        return ids.count * times
    }
}

extension PrivateRedis {
    /// Runs one command with a password.
    @discardableResult
    func commandAs(_ password: String, _ words: String...) async throws(TestingError) -> String {
        try await ChildProcess.run(
            ["redis-cli", "--no-auth-warning", "-e", "-p", "\(port)", "-a", password] + words)
    }
}
