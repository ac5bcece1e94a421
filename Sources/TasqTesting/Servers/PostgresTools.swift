import Foundation

/// Programs that come with PostgreSQL and that measuring needs.
package enum PostgresTools {
    /// The path of `pgbench`, found as the server's own programs are; `nil` where there is none.
    package static var pgbench: String? {
        let beside = (try? PostgresPrograms.find()).map { programs in
            [URL(fileURLWithPath: programs.initdb).deletingLastPathComponent().path]
        }
        return try? ProgramSearch.path(
            of: "pgbench", package: "postgresql",
            in: (beside ?? []) + ProgramSearch.searchPath)
    }
}
