import Synchronization
import Tasq
import TasqWebhooks

/// Who may send webhooks, by name; may be replaced while requests are served.
final class SourceTable: Sendable {
    private let sources: Mutex<[String: WebhookSource]>

    /// Of two sources with one name the first counts.
    init(_ sources: [WebhookSource]) {
        self.sources = Mutex(Self.byName(sources))
    }

    /// Takes other sources for the requests that come from now on.
    func replace(with sources: [WebhookSource]) {
        let fresh = Self.byName(sources)
        self.sources.withLock { $0 = fresh }
    }

    func source(_ name: String) -> WebhookSource? {
        sources.withLock { $0[name] }
    }

    private static func byName(_ sources: [WebhookSource]) -> [String: WebhookSource] {
        Dictionary(
            sources.map { ($0.name.description, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
