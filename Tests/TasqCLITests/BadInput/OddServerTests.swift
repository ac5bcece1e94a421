import TasqTesting
import TestSizes
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What `DATABASE_URL` may lead to beside a PostgreSQL that answers.
@Suite(.medium) struct OddServerBadInputTests {
    @Test func `A server that takes connections and is silent exits 69, unless there is another`()
        async throws
    {
        let silent = try await OddServer.start("silent")
        let port = silent.port
        let alone = "postgres://u:hunter2@127.0.0.1:\(port)/d"
        for words in [["queues", "list"], ["enqueue", "a"]] {
            let child = try await TasqProgram.start(words, environment: ["DATABASE_URL": alone])
            #expect(try await child.wait() == .code(69), "\(child.standardError)")
            let place = "postgres 127.0.0.1:\(port)/d: no answer within "
            #expect(child.standardError.contains(place), "\(child.standardError)")
            #expect(child.standardError.split(separator: "\n").count == 1)
            #expect(!child.standardError.contains("hunter2"))
        }
        try await withDatabase { database in
            let both = database.url.replacing("@", with: "@127.0.0.1:\(port),")
            let run = try await TasqProgram.run("enqueue", "a", "--database-url", both)
            #expect(run.exit == .code(0), "\(run.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1")
        }
        silent.stop()
    }

    @Test func `A server that is too old exits 78 and says from which version on it works`()
        async throws
    {
        let old = try await OddServer.start("old")
        let port = old.port
        for words in [["migrate"], ["enqueue", "a"], ["work"], ["verify"]] {
            let child = try await TasqProgram.start(
                words,
                environment: [
                    "DATABASE_URL": "postgres://u:hunter2@127.0.0.1:\(port)/d",
                    "TASQ_LOG_LEVEL": "error",
                ])
            #expect(try await child.wait() == .code(78), "\(words): \(child.standardError)")
            let told = "127.0.0.1:\(port)/d: the server is version 13; 14 or newer is needed"
            #expect(child.standardError.hasSuffix(told), "\(child.standardError)")
            #expect(child.standardError.split(separator: "\n").count == 1)
        }
        old.stop()
    }
}

/// A server of Python's in PostgreSQL's place: one that says nothing at all, or one that lets
/// everybody in and calls itself version 13.
private struct OddServer {
    private let process: ChildProcess
    let port: Int

    static func start(_ manner: String) async throws -> OddServer {
        let process = try await ChildProcess.start("python3", ["-c", script, manner])
        let line = try await process.waitForLine(containing: "listens at ")
        let port = try #require(Int(line.dropFirst("listens at ".count)))
        return OddServer(process: process, port: port)
    }

    func stop() { process.signal(SIGTERM) }

    private static let script = #"""
        import socket, struct, sys
        server = socket.create_server(("127.0.0.1", 0))
        print("listens at %d" % server.getsockname()[1], flush=True)
        def read(client, count):
            data = b""
            while len(data) < count:
                more = client.recv(count - len(data))
                if not more:
                    raise EOFError
                data += more
            return data
        def message(kind, body):
            return kind + struct.pack("!I", len(body) + 4) + body
        kept = []
        while True:
            client, _ = server.accept()
            kept.append(client)
            if sys.argv[1] == "silent":
                continue
            try:
                while True:
                    length, = struct.unpack("!I", read(client, 4))
                    code, = struct.unpack("!I", read(client, length - 4)[:4])
                    if code >> 16 == 3:
                        break
                    # Neither TLS nor GSSAPI.
                    client.sendall(b"N")
                client.sendall(
                    message(b"R", struct.pack("!I", 0))
                    + message(b"S", b"server_version\0" + b"13.14\0")
                    + message(b"S", b"server_encoding\0" + b"UTF8\0")
                    + message(b"K", struct.pack("!II", 1, 1))
                    + message(b"Z", b"I"))
            except (EOFError, OSError):
                pass
        """#
}
