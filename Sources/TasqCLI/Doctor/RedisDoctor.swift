import Tasq
import TasqRedis

/// Looks at Redis as a doorbell.
struct RedisDoctor {
    /// The oldest server that has `BLMPOP`.
    static let oldestVersion = 7
    /// How full it may be.
    static let fullness = 0.9

    let announcer: any Announcer

    func examine() async -> [Diagnosis] {
        guard announcer.rings, let redis = announcer as? RedisAnnouncer else {
            return [.ok("redis", "none: workers poll the table")]
        }
        let start = ContinuousClock.now
        let facts: [String: String]
        do throws(AnnouncerError) {
            facts = try await redis.information()
        } catch {
            return [
                .fail(
                    "redis", "\(error)",
                    "check REDIS_URL and that the server runs; until then workers poll")
            ]
        }
        return [.ok("redis", "answers in \((.now - start).rough)"), version(facts)]
            + role(facts) + [memory(facts), persistence(facts)]
    }

    private func version(_ facts: [String: String]) -> Diagnosis {
        let version = facts["redis_version"] ?? "unknown"
        let major = Int(version.prefix { $0 != "." }) ?? 0
        return major < Self.oldestVersion
            ? .fail("redis version", version, "7.0 is the oldest that has BLMPOP")
            : .ok("redis version", version)
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
