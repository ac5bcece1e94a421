/// What a road between a process and a server does to the bytes on it.
struct Weather: Sendable {
    /// How long each piece takes, one way.
    var latency = Duration.zero
    /// By how much that varies, either way.
    var jitter = Duration.zero
    /// The chance that a piece ends its connection instead of arriving.
    var resetChance = 0.0
    /// The longest piece; nil for as they come.
    var slice: Int?
    /// Nothing arrives at the server, or nothing comes back, as if the cable were cut: connections
    /// stay open, and what was sent meanwhile arrives when the road is free again.
    var holdsUp = false
    var holdsDown = false

    /// Whether it does anything to a piece that goes this way.
    func isFelt(towardsServer: Bool) -> Bool {
        latency > .zero || slice != nil || (towardsServer ? holdsUp : holdsDown)
    }

    static let fair = Weather()
    /// Cut both ways.
    static let cut = Weather(holdsUp: true, holdsDown: true)
}
