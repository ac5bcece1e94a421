import TasqTesting

/// A terminal of Python's for one run of the program.
enum Pty {
    /// Starts the program on a terminal of its own.
    ///
    /// Once a whole frame of `tasq top` has come, the terminal is resized if told to, and after the
    /// next frame the keys are typed. What the program wrote is copied to standard output, with a
    /// line end behind what clears a line, so that each drawing of it is a line; then what the
    /// terminal's settings were. SIGTERM and SIGINT are passed on.
    static func start(
        _ arguments: [String], environment: [String: String], keys: String = "",
        columns: Int = 100, rows: Int = 30, then: (columns: Int, rows: Int)? = nil,
        directory: String = "/"
    ) async throws -> ChildProcess {
        try await ChildProcess.start(
            "python3",
            [
                "-c", script, TasqProgram.path, keys, "\(columns)x\(rows)",
                then.map { "\($0.columns)x\($0.rows)" } ?? "",
            ] + arguments,
            environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 },
            directory: directory)
    }

    private static let script = """
        import fcntl, os, pty, select, signal, struct, sys, termios
        program, keys, size, then, *arguments = sys.argv[1:]
        def resize(text):
            columns, rows = map(int, text.split("x"))
            fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        main, side = pty.openpty()
        resize(size)
        before = termios.tcgetattr(side)
        child = os.fork()
        if child == 0:
            os.setsid()
            fcntl.ioctl(side, termios.TIOCSCTTY, 0)
            for stream in (0, 1, 2):
                os.dup2(side, stream)
            os.execv(program, [program] + arguments)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: os.kill(child, number))
        def copy():
            data = os.read(main, 65536)
            data = data.replace(b"\\r", b"").replace(b"\\x1b[2K", b"\\x1b[2K\\n")
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            return data
        frames = 0
        status = None
        while status is None:
            ready, _, _ = select.select([main], [], [], 0.05)
            if ready:
                data = copy()
                seen = frames
                frames += data.count(b"\\x1b[J") if b"QUEUE" in data or frames else 0
                if seen == 0 and frames > 0:
                    off = not termios.tcgetattr(side)[3] & termios.ECHO
                    print("echo was off" if off else "echo was on", flush=True)
                    if then:
                        resize(then)
                if seen < 2 <= frames and keys:
                    os.write(main, keys.encode())
            done, code = os.waitpid(child, os.WNOHANG)
            if done:
                status = code
        while select.select([main], [], [], 0.2)[0]:
            copy()
        after = termios.tcgetattr(side)
        print("\\nsettings restored" if after == before else "settings changed", flush=True)
        sys.exit(os.waitstatus_to_exitcode(status))
        """
}
