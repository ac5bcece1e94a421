import FoundationEssentials

/// This process's memory as Linux tells it; zero elsewhere.
struct ProcessMemory: Sendable {
    /// Resident now.
    let megabytes: Double
    /// The most that was resident since ``forgetPeak()``.
    let peakMegabytes: Double

    static var now: ProcessMemory {
        let bytes = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
        var kilobytes: [Substring: Double] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(whereSeparator: \.isWhitespace)
            if fields.count == 3, let value = Double(fields[1]) { kilobytes[fields[0]] = value }
        }
        return ProcessMemory(
            megabytes: (kilobytes["VmRSS:"] ?? 0) / 1024,
            peakMegabytes: (kilobytes["VmHWM:"] ?? 0) / 1024)
    }

    /// Lets the peak begin anew; where the system does not allow that, it goes on.
    static func forgetPeak() {
        do {
            try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        } catch {}
    }
}
