import ArgumentParser

/// `tasq-chaos list`: the faults there are.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Say what can be done to a running system.")

    func run() {
        let width = Fault.all.map(\.name.count).max() ?? 0
        for fault in Fault.all {
            let padding = String(repeating: " ", count: width - fault.name.count)
            let mark = fault.isQuick ? "*" : " "
            let reason = fault.obstacle.map { " (not here: \($0))" } ?? ""
            Terminal.result("\(mark) \(fault.name)\(padding)  \(fault.summary)\(reason)")
        }
        Terminal.result("\n* belongs to the fast part, `run --quick`")
    }
}
