import Synchronization
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A network of its own for one process, with one cable to this one; only root can make it.
///
/// What is dropped there is dropped by the kernel: connections do not end, nothing is answered, and
/// only timeouts tell.
struct NetworkNamespace: Sendable {
    /// The address of this side of the cable.
    let address: String
    private let name: String
    private let cable: String

    /// How many this process has made.
    private static let count = Atomic(0)

    /// Makes it with addresses that nobody else has.
    static func make() async throws -> NetworkNamespace {
        await sweep()
        let place = count.add(1, ordering: .relaxed).oldValue
        let number = (Int(getpid()) + 1999 * place) % 4000
        let (high, low) = (number / 60, number % 60 * 4)
        let space = NetworkNamespace(
            address: "10.231.\(high).\(low + 1)", name: "tasq-chaos-\(getpid())-\(place)",
            cable: "tqc\(number)")
        try await run("ip", "netns", "add", space.name)
        try await run(
            "ip", "link", "add", space.cable, "type", "veth", "peer", "name", "eth0", "netns",
            space.name)
        try await run("ip", "addr", "add", space.address + "/30", "dev", space.cable)
        try await run("ip", "link", "set", space.cable, "up")
        try await space.inside("ip", "addr", "add", "10.231.\(high).\(low + 2)/30", "dev", "eth0")
        try await space.inside("ip", "link", "set", "eth0", "up")
        try await space.inside("ip", "link", "set", "lo", "up")
        return space
    }

    /// Put before the command of a process that is to live in it.
    var wrapper: [String] { ["ip", "netns", "exec", name] }

    /// Drops packets by a rule of iptables', as in `-A OUTPUT -p tcp --dport 5432`.
    func drop(_ rule: [String]) async throws {
        try await Self.run(wrapper + ["iptables"] + rule + ["-j", "DROP"])
    }

    /// How many packets the rules have dropped since the last ``mend()``.
    func dropped() async throws -> Int {
        let table = try await ChildProcess.run(wrapper + ["iptables", "-n", "-v", "-x", "-L"])
        return Self.dropped(in: table)
    }

    /// The same of a table as `iptables -n -v -x -L` prints it: packets, bytes, target and so on.
    static func dropped(in table: String) -> Int {
        table.split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == "DROP" else { return sum }
            return sum + (Int(fields[0]) ?? 0)
        }
    }

    /// Lets everything through again.
    func mend() async throws {
        try await inside("iptables", "-F")
    }

    func remove() async {
        do { try await Self.run("ip", "netns", "delete", name) } catch {}
    }

    /// Removes what runs left behind that were killed.
    private static func sweep() async {
        let names = (try? await ChildProcess.run(["ip", "netns", "list"])) ?? ""
        for line in names.split(separator: "\n") where line.hasPrefix("tasq-chaos-") {
            let name = line.split(separator: " ")[0]
            let number = name.dropFirst("tasq-chaos-".count).prefix { $0.isNumber }
            guard let pid = Int32(number), kill(pid, 0) != 0 else { continue }
            do { try await run("ip", "netns", "delete", String(name)) } catch {}
        }
    }

    private func inside(_ words: String...) async throws {
        try await Self.run(wrapper + words)
    }

    private static func run(_ words: String...) async throws {
        try await run(words)
    }

    private static func run(_ words: [String]) async throws {
        try await ChildProcess.run(words)
    }
}
