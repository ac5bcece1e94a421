import FoundationEssentials
import Tasq

/// How a reading command answers: a table for people or JSON for programs.
struct Report {
    /// One JSON object a line, or a table.
    static func list<Row>(
        _ rows: [Row], json: Bool, columns: [Table.Column], cells: (Row) -> [Table.Cell],
        object: (Row) -> JSON
    ) throws {
        if json {
            for row in rows { try StandardOutput.line(object(row).text) }
            return
        }
        var table = Table(columns)
        for row in rows { table.add(cells(row)) }
        try StandardOutput.write(table.text(styled: isStyled))
    }

    /// Whether standard output may be coloured.
    static var isStyled: Bool {
        Style.isWanted(
            isTerminal: StandardOutput.isTerminal,
            environment: ProcessInfo.processInfo.environment)
    }
}

extension JobStatus {
    var style: Style {
        switch self {
        case .success: .good
        case .error: .bad
        case .executing: .busy
        case .scheduled, .cancelled: .faint
        case .queued: .plain
        }
    }
}
