import FoundationEssentials
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension Fault {
    /// The path of a `tasq` of an older version, which `TASQ_OLD_BIN` names.
    static var oldProgram: String? {
        ProcessInfo.processInfo.environment["TASQ_OLD_BIN"].flatMap { path in
            FileManager.default.isExecutableFile(atPath: path) ? path : nil
        }
    }

    /// Why it cannot be done here; nil if it can.
    var obstacle: String? {
        for need in needs {
            if let reason = need.reason { return reason }
        }
        return nil
    }
}

extension Fault.Need {
    fileprivate var reason: String? {
        switch self {
        case .root: geteuid() == 0 ? nil : "needs root"
        case .program(let name, let package):
            ChildProcess.find(name) == nil ? "\(name) not found: apt-get install \(package)" : nil
        case .fakeClock:
            if FakeClock.installed == nil {
                "libfaketime not found: apt-get install faketime"
            } else if ChildProcess.find("cc") == nil {
                "cc not found: apt-get install gcc"
            } else {
                nil
            }
        case .memoryGroups:
            MemoryGroup.areThere ? nil : "no control groups that bound memory"
        case .oldProgram:
            Fault.oldProgram == nil ? "TASQ_OLD_BIN names no tasq of an older version" : nil
        case .debugBuild:
            #if DEBUG
                nil
            #else
                "needs a debug build"
            #endif
        }
    }
}
