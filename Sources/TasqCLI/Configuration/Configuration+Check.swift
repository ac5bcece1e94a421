import Tasq
import TasqHTTP
import TasqPostgres
import TasqRedis
import TasqWebhooks

extension Configuration {
    /// The rules between values, and those whoever uses a value has for it.
    func check(_ needs: Needs, _ problems: ProblemCollector) {
        let report = { (field: String, rule: String) in
            if let place = origins.place(of: field) {
                problems.report(place, "\(field) \(rule)")
            } else {
                problems.report(field, rule)
            }
        }
        do {
            _ = try worker.settings(host: "", processID: 0)
        } catch {
            report(error.field, error.rule)
        }
        if needs.contains(.sources) {
            for objection in sources.flatMap(\.objections) {
                report(objection.field, objection.rule)
            }
            for source in sources where !source.secrets.isEmpty {
                do {
                    let source = try source.source(for: handlers)
                    // What is more than little never gets the last quarter.
                    if let most = source.mostBytesHeld, most / 3 * 4 + 4 > limits.bufferedBytes {
                        report(
                            "limits.memory",
                            "must be at least \(most / 3 * 4 + 4) bytes: three quarters of it are "
                                + "for large bodies, and \(most) bytes may one event of "
                                + "sources.\(source.name) hold")
                    }
                } catch {
                    report(error.field, error.rule)
                }
            }
        }
        if needs.contains(.database), databaseURL == nil {
            report("database_url", "is not set: pass --database-url or set DATABASE_URL")
        }
        checkURLs(needs, report)
        if needs.contains(.handlers), worker.findWork == .push, redisURL == nil {
            report(
                "worker.find_work", "push needs Redis: set REDIS_URL, or use push+sweep or poll")
        }
        for (index, handler) in handlers.enumerated() {
            for other in handlers[..<index] where other.covers(handler.pattern) {
                report(
                    "handlers.\(handler.pattern)",
                    "is never reached: \(other.pattern) above it matches first")
            }
        }
        if needs.contains(.handlers) { checkTargets(report) }
        if needs.contains(.admin) { checkListeners(needs, report) }
    }

    /// Whether targets that are reached by https can be.
    private func checkTargets(_ report: (String, String) -> Void) {
        for handler in handlers {
            guard let http = handler.action as? HTTPAction,
                http.url.lowercased().hasPrefix("https:"),
                let objection = TargetPool.objectionToHTTPS
            else { continue }
            report("\(handler.field).http.url", "is https, and \(objection)")
        }
    }

    /// Judges the URLs by those who will use them; their texts never echo a URL.
    private func checkURLs(_ needs: Needs, _ report: (String, String) -> Void) {
        if needs.contains(.database), let databaseURL {
            do throws(StoreError) {
                _ = try PostgresSettings(url: databaseURL, schema: schema)
            } catch {
                report("database_url", error.description)
            }
        }
        if needs.contains(.redis), let redisURL {
            do throws(InvalidInput) {
                _ = try RedisSettings(url: redisURL, prefix: redisPrefix)
            } catch {
                report("redis_url", error.rule)
            }
        }
    }

    /// Whoever looks up sources listens for webhooks; a worker's listener is its own.
    private func checkListeners(_ needs: Needs, _ report: (String, String) -> Void) {
        do throws(InvalidInput) {
            _ = try http.tokens()
        } catch {
            report("admin_token", error.rule)
        }
        var listeners = [("http.admin", http.adminTLS)]
        if needs.contains(.sources) { listeners.append(("http.ingest", http.ingestTLS)) }
        for (name, files) in listeners {
            do throws(InvalidInput) {
                _ = try files.read(for: name)
            } catch {
                report(error.field, error.rule)
            }
        }
        guard http.operateTokens.isEmpty, http.readTokens.isEmpty else { return }
        if needs.contains(.sources), !http.admin.isLoopback {
            report("http.admin", "must stay on loopback until admin_token is set")
        }
        if needs.contains(.handlers), let address = worker.listen, !address.isLoopback {
            report("worker.listen", "must stay on loopback until admin_token is set")
        }
    }
}

extension HandlerEntry {
    /// Whether every kind that matches `other` matches this entry too.
    fileprivate func covers(_ other: String) -> Bool {
        guard pattern.hasSuffix("*") else { return pattern == other }
        return other.hasPrefix(pattern.dropLast())
    }
}
