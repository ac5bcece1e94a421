import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where PostgreSQL's programs are, and how to run them as somebody who is not root.
struct PostgresPrograms: Sendable {
    let initdb: String
    let postgres: String
    /// Put before a command so that it runs as `postgres`; empty for an ordinary user.
    let asOwner: [String]
    /// The user the server's files belong to, if that is not this process's user.
    let owner: String?

    /// Finds the server's programs: in `TASQ_PG_BIN`, in `PATH`, in Debian's newest version.
    static func find() throws(TestingError) -> PostgresPrograms {
        let initdb = try ProgramSearch.path(of: "initdb", package: "postgresql", in: directories)
        let folder = URL(fileURLWithPath: initdb).resolvingSymlinksInPath()
            .deletingLastPathComponent().path
        let postgres = try ProgramSearch.path(
            of: "postgres", package: "postgresql", in: [folder] + directories)
        guard geteuid() == 0 else {
            return PostgresPrograms(initdb: initdb, postgres: postgres, asOwner: [], owner: nil)
        }
        let setpriv = try ProgramSearch.path(of: "setpriv", package: "util-linux", in: [])
        return PostgresPrograms(
            initdb: initdb, postgres: postgres,
            asOwner: [setpriv, "--reuid=postgres", "--regid=postgres", "--init-groups", "--"],
            owner: "postgres")
    }

    /// Finds `psql`: in `TASQ_PG_BIN`, in Debian's newest version, in `PATH`.
    ///
    /// Debian's `/usr/bin/psql` is a script in Perl that looks for the program and takes six times
    /// as long as the program itself.
    static func psql() throws(TestingError) -> String {
        try ProgramSearch.path(
            of: "psql", package: "postgresql-client",
            in: given + debianVersions + ProgramSearch.searchPath)
    }

    private static var directories: [String] { given + ProgramSearch.searchPath + debianVersions }

    private static var given: [String] {
        ProcessInfo.processInfo.environment["TASQ_PG_BIN"].map { [$0] } ?? []
    }

    /// `/usr/lib/postgresql/*/bin`, the newest first.
    private static var debianVersions: [String] {
        let root = "/usr/lib/postgresql"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
    }
}

/// Looks for executable files.
enum ProgramSearch {
    static func path(
        of name: String, package: String, in directories: [String]
    ) throws(TestingError) -> String {
        for directory in directories.isEmpty ? searchPath : directories {
            let path = directory + "/" + name
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw .missing("\(name) not found: apt-get install \(package)")
    }

    static var searchPath: [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map(String.init)
    }
}
