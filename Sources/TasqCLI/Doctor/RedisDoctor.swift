import Tasq
import TasqRedis

/// Looks at Redis as a doorbell.
struct RedisDoctor {
    /// The oldest server that works, and the oldest that has `BLMPOP`.
    static let oldestVersion = 6
    static let goodVersion = 7
    /// How full it may be.
    static let fullness = 0.9
    /// How often the mark is read, and the pause between: two databases write theirs by turns, once
    /// a second.
    static let marksRead = (count: 4, pause: Duration.milliseconds(400))

    let announcer: any Announcer
    /// Whose Redis it should be; `nil` when that could not be found out.
    let database: StoreIdentity?

    func examine() async -> [Diagnosis] {
        guard announcer.rings, let redis = announcer as? RedisAnnouncer else {
            return [.ok("redis", "none: workers poll the table")]
        }
        let sentinels = await redis.opinions().map(sentinels) ?? []
        let start = ContinuousClock.now
        do throws(AnnouncerError) {
            let slots = try await redis.servedSlots().map(slots) ?? []
            let servers = try await redis.information()
            let answer = Diagnosis.ok("redis", "answers in \((.now - start).rough)")
            return try await sentinels + slots + [answer] + servers.flatMap(examine)
                + owner(of: redis)
        } catch {
            return sentinels + [
                .fail(
                    "redis", "\(error)",
                    "check REDIS_URL and that the server runs; until then workers poll")
            ]
        }
    }

    /// Whose mark stands under the prefix.
    private func owner(of redis: RedisAnnouncer) async throws(AnnouncerError) -> [Diagnosis] {
        guard let database else { return [] }
        let name = "redis prefix"
        let mend = "give each database a prefix of its own (redis_prefix, TASQ_REDIS_PREFIX)"
        var numbers = MarkNumbers()
        for look in 0..<Self.marksRead.count {
            if look > 0 { await sleep(for: Self.marksRead.pause) }
            let marks = try await redis.marks().compactMap(Epoch.Mark.init)
            if let foreign = marks.first(where: { !$0.isFrom(database) }) {
                return [
                    .fail(
                        name,
                        "\(redis.prefix) bears the mark of \(foreign.name), and this is "
                            + database.name,
                        mend + "; a mark whose database is gone is taken over by the next worker")
                ]
            }
            if numbers.shows(marks) {
                return [
                    .fail(
                        name,
                        "\(redis.prefix) bears by turns the marks of \(database.name) and of a "
                            + "copy of its files", mend)
                ]
            }
            if marks.isEmpty { return [.ok(name, "\(redis.prefix) is nobody's yet")] }
        }
        return [.ok(name, "\(redis.prefix) is that of \(database.name)")]
    }

    private func sentinels(
        _ opinions: [(sentinel: String, primary: String?, fault: String)]
    ) -> [Diagnosis] {
        let name = "redis sentinel"
        let named = Set(opinions.compactMap(\.primary))
        let silent = opinions.filter { $0.primary == nil }.map { opinion in
            Diagnosis.warn(name, opinion.fault, "check the sentinel and its name in REDIS_URL")
        }
        guard let primary = named.first else { return silent }
        guard named.count == 1 else {
            let text = opinions.compactMap { opinion in
                opinion.primary.map { "\(opinion.sentinel) names \($0)" }
            }.joined(separator: ", ")
            return silent + [.warn(name, text, "a failover may be under way: look again")]
        }
        let count = opinions.count - silent.count
        return silent + [.ok(name, "\(count) of \(opinions.count) name \(primary)")]
    }

    private func slots(served: Int, all: Int) -> [Diagnosis] {
        let text = "\(served) of \(all) slots are served"
        return served == all
            ? [.ok("redis cluster", text)]
            : [.fail("redis cluster", text, "look at CLUSTER NODES: a node is gone")]
    }

    /// The lines about one server; of several, each text begins with the server's address.
    private func examine(_ server: RedisAnnouncer.ServerFacts) -> [Diagnosis] {
        let place = server.name.isEmpty ? "" : server.name + ": "
        let facts = server.facts
        let lines = [version(facts)] + role(facts) + [memory(facts), persistence(facts)]
        return lines.map { line in
            Diagnosis(
                name: line.name, state: line.state, text: place + line.text, mend: line.mend)
        }
    }

    private func version(_ facts: [String: String]) -> Diagnosis {
        let version = facts["redis_version"] ?? "unknown"
        let major = Int(version.prefix { $0 != "." }) ?? 0
        guard major >= Self.oldestVersion else {
            return .fail("redis version", version, "6.0 is the oldest that works")
        }
        guard major >= Self.goodVersion else {
            return .warn(
                "redis version", "\(version) works, with more round trips a take",
                "7.0 is the oldest that has BLMPOP, which takes many ids in one")
        }
        return .ok("redis version", version)
    }

    private func role(_ facts: [String: String]) -> [Diagnosis] {
        guard let role = facts["role"], role != "master" else { return [] }
        return [.fail("redis role", "a replica: nothing can be written", "name the primary")]
    }

    private func memory(_ facts: [String: String]) -> Diagnosis {
        let limit = Int(facts["maxmemory"] ?? "") ?? 0
        let used = Int(facts["used_memory"] ?? "") ?? 0
        let policy = facts["maxmemory_policy"] ?? "unknown"
        let evicted = Int(facts["evicted_keys"] ?? "") ?? 0
        let text =
            "maxmemory-policy \(policy), \(used / 1_048_576) MiB used of "
            + (limit > 0 ? "\(limit / 1_048_576) MiB" : "any")
            + (evicted > 0 ? ", \(evicted) keys evicted" : "")
        if policy != "noeviction" {
            return .warn(
                "redis memory", text,
                "CONFIG SET maxmemory-policy noeviction: an evicted list delays its jobs by seconds"
            )
        }
        if limit > 0, Double(used) > Self.fullness * Double(limit) {
            return .warn(
                "redis memory", text, "raise maxmemory: a full Redis takes no announcement")
        }
        return .ok("redis memory", text)
    }

    /// Nothing in Redis is needed for long, so no persistence is well; a failing one is not, as
    /// Redis then refuses writes.
    private func persistence(_ facts: [String: String]) -> Diagnosis {
        let appends = facts["aof_enabled"] == "1"
        let failed =
            facts["rdb_last_bgsave_status"] == "err" || facts["aof_last_write_status"] == "err"
        if failed {
            return .fail(
                "redis persistence", "the last save failed",
                "look at the disk: Redis may refuse writes")
        }
        return .ok(
            "redis persistence",
            (appends ? "appends to a file" : "no append-only file")
                + "; what Redis forgets is announced again")
    }
}
