import CPostgres

extension Connection {
    /// Blocks until NOTIFY payloads of `channel` arrive and returns them; `nil` once the
    /// connection is lost or its wait was interrupted.
    func nextNotifications(on channel: String) -> [String]? {
        while isAlive {
            let payloads = pendingNotifications(on: channel)
            if !payloads.isEmpty { return payloads }
            let readiness = Readiness.wait(
                socket: unsafe PQsocket(handle), for: .read, until: nil, interrupt: interrupt)
            guard case .ready = readiness, unsafe PQconsumeInput(handle) == 1 else { return nil }
        }
        return nil
    }

    private func pendingNotifications(on channel: String) -> [String] {
        var payloads: [String] = []
        while let notification = unsafe PQnotifies(handle) {
            defer { unsafe PQfreemem(notification) }
            guard let name = unsafe notification.pointee.relname,
                unsafe String(cString: name) == channel,
                let payload = unsafe notification.pointee.extra
            else { continue }
            unsafe payloads.append(String(cString: payload))
        }
        return payloads
    }
}
