import Foundation

/// The kernel's letter for what a process does: R, S, T (stopped), Z; nil once it is gone.
func state(of pid: Int32) -> String? {
    guard let file = FileManager.default.contents(atPath: "/proc/\(pid)/status") else { return nil }
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("State:") {
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.map(String.init)
    }
    return nil
}

/// Whether a process has ended, even if nobody has asked for its status yet.
func isGone(_ pid: Int32) -> Bool {
    let state = state(of: pid)
    return state == nil || state == "Z"
}
