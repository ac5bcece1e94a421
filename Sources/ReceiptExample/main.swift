import Logging
import Tasq
import TasqPostgres
import TasqRedis

struct SendReceipt: Job {
    static let kind = "send-receipt"
    let order: Int

    func run(_ context: JobContext) async throws {
        context.logger.info("sent the receipt for order \(order)")
    }
}

let store = try PostgresStore.fromEnvironment()
try await store.migrate()
let queue = Queue(store: store, announcer: try RedisAnnouncer.fromEnvironment())
try await queue.enqueue(SendReceipt(order: 42))
try await Worker(of: queue, running: [SendReceipt.self]).run()
