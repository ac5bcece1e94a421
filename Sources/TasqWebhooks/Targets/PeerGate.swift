import NIOCore
import NIOPosix

/// Lets a socket connect only to addresses that a rule allows.
///
/// It stands where the address is handed to the system: it is the one that packets really go to,
/// so a name that resolves to something else between a check and the connection (DNS rebinding)
/// gains nothing, and a forbidden address gets no packet at all.
final class PeerGate: ChannelOutboundHandler {
    typealias OutboundIn = Any

    private let peers: PeerRule

    init(_ peers: PeerRule) {
        self.peers = peers
    }

    func connect(
        context: ChannelHandlerContext, to address: SocketAddress, promise: EventLoopPromise<Void>?
    ) {
        if let refusal = refusal(of: address) {
            promise?.fail(refusal)
        } else {
            context.connect(to: address, promise: promise)
        }
    }

    private func refusal(of address: SocketAddress) -> ForbiddenPeer? {
        guard let text = address.ipAddress, let peer = IPAddress(text) else {
            return ForbiddenPeer(address: "no IP address", objection: "which cannot be judged")
        }
        return peers.objection(to: peer).map { ForbiddenPeer(address: text, objection: $0) }
    }
}

/// An address at which a target must not be reached.
struct ForbiddenPeer: Error {
    let address: String
    let objection: String
}

extension NIOConnectionError {
    /// Why nothing was connected to, if every address of the name was forbidden.
    var refusal: String? {
        let forbidden = connectionErrors.compactMap { $0.error as? ForbiddenPeer }
        guard !forbidden.isEmpty, forbidden.count == connectionErrors.count else { return nil }
        let found = forbidden.map { "\($0.address), \($0.objection)" }.joined(separator: ", and ")
        let allowed = forbidden.map { "\"\($0.address)\"" }.joined(separator: ", ")
        return "target_forbidden: it resolved to \(found); if that is meant, add "
            + "`allow: [\(allowed)]` to the target"
    }
}
