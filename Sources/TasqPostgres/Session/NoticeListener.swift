package import Logging
package import Tasq

/// How many announcements wait for a slow reader; older ones are dropped, the sweep finds them.
private let bufferedAnnouncements = 10_000

/// Announcements that `tasq.enqueue` sends with its commit, from a connection of their own.
///
/// The payload of a notice is `JOBID PRIORITY QUEUE`; anything else is dropped. The stream ends
/// when the connection is lost, and at once behind a transaction pooler, which swallows notices.
/// It is a shortcut only: jobs announced by nobody are found by the sweep.
package func commitNotices(
    settings: PostgresSettings, channel: String = "tasq", logger: Logger
) -> AsyncStream<Announcement> {
    let (stream, continuation) = AsyncStream.makeStream(
        of: Announcement.self, bufferingPolicy: .bufferingNewest(bufferedAnnouncements))
    guard PostgresSettings.isPlainIdentifier(channel) else {
        logger.info("no commit notices: the channel's name would need quoting")
        continuation.finish()
        return stream
    }
    let interrupt = Interrupt()
    continuation.onTermination = { _ in interrupt.signal() }
    WireThread.start(named: "commit notices") {
        do throws(StoreError) {
            try listen(settings: settings, channel: channel, interrupt: interrupt) {
                _ = continuation.yield($0)
            }
        } catch {
            if !interrupt.isSignalled {
                logger.log(
                    level: error.isTransient ? .debug : .info, "no commit notices: \(error)")
            }
        }
        continuation.finish()
    }
    return stream
}

/// Listens until the connection is lost, or at most until it turns out to be pooled.
private func listen(
    settings: PostgresSettings, channel: String, interrupt: Interrupt,
    _ receive: (Announcement) -> Void
) throws(StoreError) {
    let connection = try Connection.open(
        to: settings.target(), timeout: settings.connectTimeout, limits: settings.limits,
        assumesPooler: settings.assumesPooler, interrupt: interrupt)
    guard !connection.isPooled else { return }
    do throws(Connection.Failure) {
        _ = try connection.script(
            "LISTEN \(channel)", until: .now + settings.statementTimeout)
    } catch {
        throw .from(error, at: settings.safeDescription)
    }
    while let payloads = connection.nextNotifications(on: channel) {
        for payload in payloads {
            if let announcement = Announcement(noticePayload: payload) { receive(announcement) }
        }
    }
}

extension Announcement {
    /// Reads `JOBID PRIORITY QUEUE`; `nil` for anything else.
    init?(noticePayload payload: String) {
        let words = payload.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let id = JobID(words[0]), let level = Int(words[1]) else {
            return nil
        }
        do {
            self.init(id: id, queue: try Name(String(words[2])), priority: try Priority(level))
        } catch {
            return nil
        }
    }
}
