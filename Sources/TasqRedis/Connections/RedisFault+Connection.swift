import NIOCore
import NIOPosix

extension RedisFault {
    /// What an error of the socket or of its connecting means.
    init(connectionError error: any Error) {
        switch error {
        case let fault as RedisFault: self = fault
        case let error as NIOConnectionError: self.init(unreachable: error)
        case ChannelError.connectTimeout: self.init(.unreachable, "no answer to the connection")
        case let error as IOError where error.errnoCode == Self.refusedCode:
            self.init(.unreachable, "connection refused")
        case let error as IOError:
            self.init(.lost, "the connection broke (errno \(error.errnoCode))")
        case is ChannelError: self = .lost
        default: self = .tls(error) ?? RedisFault(.lost, "the connection broke")
        }
    }

    private init(unreachable error: NIOConnectionError) {
        if error.connectionErrors.isEmpty {
            let text = error.dnsAError ?? error.dnsAAAAError
            self.init(
                .unreachable,
                text == nil ? "no answer to the connection" : "the host's name does not resolve")
            return
        }
        let codes = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        if codes.contains(Self.refusedCode) {
            self.init(.unreachable, "connection refused")
        } else if let code = codes.first {
            self.init(.unreachable, "cannot be reached (errno \(code))")
        } else {
            self.init(.unreachable, "no answer to the connection")
        }
    }

    private static let refusedCode = POSIXCode.connectionRefused
}
