import Foundation

/// The processes of this machine, as far as /proc shows them.
enum ProcessTree {
    /// A process and those that descend from it.
    static func group(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for pid in names.compactMap({ Int32($0) }) {
            guard let parent = parent(of: pid) else { continue }
            children[parent, default: []].append(pid)
        }
        var found = [root]
        var next = 0
        while next < found.count {
            found += children[found[next]] ?? []
            next += 1
        }
        return found
    }

    /// How many files a process has open; nil if it has gone.
    static func openFiles(of pid: Int32) -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// How long a process has computed, in milliseconds; nil if it has gone.
    static func computed(by pid: Int32) -> Int64? {
        // In user mode and in the kernel, in hundredths of a second on every Linux.
        guard let fields = stat(of: pid), fields.count > 12, let user = Int64(fields[11]),
            let kernel = Int64(fields[12])
        else { return nil }
        return (user + kernel) * 10
    }

    private static func parent(of pid: Int32) -> Int32? {
        guard let fields = stat(of: pid), fields.count > 1 else { return nil }
        return Int32(fields[1])
    }

    /// What /proc says of it, from its state on.
    private static func stat(of pid: Int32) -> [Substring]? {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else {
            return nil
        }
        // The name, in parentheses, may hold spaces.
        let text = String(decoding: stat, as: UTF8.self)
        return text.split(separator: ")").last?.split(separator: " ")
    }
}
