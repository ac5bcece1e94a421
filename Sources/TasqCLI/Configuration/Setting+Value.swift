import Logging
import Tasq
import TasqHTTP

extension Setting {
    /// The effective value as it would be written; `nil` for none.
    ///
    /// A secret comes out in the clear: only ``Configuration/listing()`` shows values to people.
    func value(in configuration: Configuration) -> String? {
        let (http, worker) = (configuration.http, configuration.worker)
        let kept = configuration.retention.ages
        return switch key {
        case "database_url": configuration.databaseURL
        case "redis_url": configuration.redisURL
        case "redis_prefix": configuration.redisPrefix
        case "schema": configuration.schema
        case "log_level": configuration.logLevel.rawValue
        case "log_format": configuration.logFormat.rawValue
        case "http.ingest": http.ingest.description
        case "http.ingest_certificate": http.ingestTLS.certificate
        case "http.ingest_key": http.ingestTLS.key
        case "http.admin": http.admin.description
        case "http.admin_certificate": http.adminTLS.certificate
        case "http.admin_key": http.adminTLS.key
        case "admin_token": http.operateTokens.first
        case "limits.body": String(configuration.limits.bodyBytes)
        case "limits.memory": String(configuration.limits.bufferedBytes)
        case "limits.request_deadline": DurationText.format(configuration.limits.request)
        case "limits.idle_timeout": DurationText.format(configuration.limits.idle)
        case "limits.connections": String(configuration.limits.connections)
        case "limits.in_flight": String(configuration.limits.inFlight)
        case "worker.queues":
            worker.queues.map { $0.weight == 1 ? "\($0.name)" : "\($0.name):\($0.weight)" }
                .joined(separator: ",")
        case "worker.concurrency": String(worker.concurrency)
        case "worker.lease": DurationText.format(worker.lease)
        case "worker.heartbeat": DurationText.format(worker.heartbeat)
        case "worker.grace": DurationText.format(worker.grace)
        case "worker.find_work": worker.findWork.rawValue
        case "worker.on_lease_unknown": worker.onLeaseUnknown.rawValue
        case "worker.poll_interval": DurationText.format(worker.pollInterval)
        case "worker.sweep_every": String(worker.sweepEvery)
        case "worker.memory": String(worker.memory)
        case "worker.listen": worker.listen?.description
        case "retention.success": Retention.text(of: kept.success)
        case "retention.error": Retention.text(of: kept.error)
        case "retention.cancelled": Retention.text(of: kept.cancelled)
        default: nil
        }
    }
}
