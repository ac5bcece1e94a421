import Foundation

/// A small process that starts a program, reports how it ends, and ends it when we are gone.
///
/// Its standard input is a pipe whose other end only this process holds. However this process dies,
/// SIGKILL included, the kernel closes that end, the keeper reads the end of file and kills. The
/// alternative, `PR_SET_PDEATHSIG`, is tied to the *thread* that forked: here that is a pool thread
/// which may end long before the process, and the signal is dropped when the child changes its
/// user, as PostgreSQL under root must. A library that only waits for its children cannot help
/// either once it is itself killed.
///
/// The keeper also makes the exit exact. It writes the status into the streams the program wrote
/// to, after the program's last byte, and does not wait for grandchildren that hold them open.
final class Keeper: Sendable {
    private let lifeline: FileHandle

    init(
        of words: [String], environment: [String: String], directory: String?, input: String,
        log: String?, scratch: String?, lastSignal: String, output: Watched<ChildOutput>
    ) throws(TestingError) {
        let mark = "\u{1}" + UUID().uuidString + " "
        let perl = try ProgramSearch.path(of: "perl", package: "perl-base", in: [])
        let inputFile = try Self.file(with: input)
        let arguments =
            [
                "-e", Self.script, "--", mark, lastSignal, inputFile, log ?? "", scratch ?? "",
                directory ?? "",
            ] + words
        let lifeline = try Spawn.pipe()
        let fromOutput = try Spawn.pipe()
        let fromError = try Spawn.pipe()
        self.lifeline = FileHandle(fileDescriptor: lifeline.writing, closeOnDealloc: true)
        for (stream, end) in [
            (ChildOutput.Stream.output, fromOutput.reading), (.error, fromError.reading),
        ] {
            Spawn.read(end) { bytes in
                output.update {
                    if bytes.isEmpty {
                        $0.close(stream)
                    } else {
                        $0.append(bytes, to: stream, mark: mark)
                    }
                }
            }
        }
        try Spawn.start(
            perl, arguments, environment: environment,
            input: lifeline.reading, output: fromOutput.writing, error: fromError.writing)
    }

    /// Ends the program and whatever is left of its group.
    deinit {
        do { try lifeline.close() } catch {}
    }

    /// The keeper's program, in the Perl that every Debian has (perl-base is essential there).
    ///
    /// A shell would not do: without job control its children ignore SIGINT, and with it `bash`
    /// writes notices into their output and now and then loses their status. The inherited
    /// descriptors must be closed because one of them tells Foundation that we ended. No module is
    /// loaded: reading `POSIX` alone takes four times as long as everything else here.
    private static let script = #"""
        my ($mark, $signal, $input, $log, $scratch, $directory, @words) = @ARGV;
        sub shut {
            my ($keep) = @_;
            opendir(my $folder, "/dev/fd") or return;
            my @open = grep { /^\d+$/ && $_ > 2 && $_ != $keep } readdir $folder;
            closedir $folder;
            for (@open) {
                open(my $descriptor, "<&=", $_) or next;
                close $descriptor;
            }
        }
        $SIG{PIPE} = "IGNORE";
        shut(-1);
        if ($directory) { chdir $directory or die "$directory: $!\n"; }
        open(my $lifeline, "<&", \*STDIN) or die "standard input: $!\n";
        open(STDIN, "<", $input || "/dev/null") or die "$input: $!\n";
        unlink $input if $input;
        defined(my $program = fork) or die "fork: $!\n";
        if ($program == 0) {
            setpgrp(0, 0);
            $SIG{$_} = "DEFAULT" for qw(PIPE INT QUIT);
            if ($log) {
                open(STDOUT, ">>", $log) or die "$log: $!\n";
                open(STDERR, ">&", \*STDOUT) or die "$log: $!\n";
            }
            shut(-1);
            exec { $words[0] } @words;
            syswrite STDERR, "$words[0]: $!\n";
            exit 127;
        }
        setpgrp($program, $program);
        defined(my $watch = fork) or die "fork: $!\n";
        if ($watch == 0) {
            setpgrp(0, 0);
            open(STDIN, "<", "/dev/null");
            open(STDOUT, ">", "/dev/null");
            open(STDERR, ">", "/dev/null");
            shut(fileno $lifeline);
            my $byte;
            1 until defined sysread($lifeline, $byte, 1);
            kill $signal, -$program;
            for (1 .. 100) {
                last unless kill 0, -$program;
                select(undef, undef, undef, 0.05);
            }
            kill "KILL", -$program;
            exit;
        }
        syswrite STDOUT, "${mark}pid $program\n";
        1 until waitpid($program, 0) == $program;
        my $end = $? & 127 ? "signal " . ($? & 127) : "code " . ($? >> 8);
        vec(my $ended, fileno $lifeline, 1) = 1;
        my $let_go = select($ended, undef, undef, 0);
        kill "KILL", $watch unless kill 0, -$program;
        syswrite STDOUT, "$mark$end\n";
        syswrite STDERR, "$mark$end\n";
        open(STDOUT, ">", "/dev/null");
        open(STDERR, ">", "/dev/null");
        1 until waitpid($watch, 0) == $watch;
        exec "/bin/rm", "-rf", "--", $scratch if $let_go > 0 && $scratch;
        """#

    /// A file only this user can read, with the text in it, removed once the program has opened it.
    private static func file(with input: String) throws(TestingError) -> String {
        guard !input.isEmpty else { return "" }
        let path = NSTemporaryDirectory() + "tasq-input-" + UUID().uuidString
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(input.utf8), attributes: [.posixPermissions: 0o600])
        else { throw .failed("cannot write \(path)") }
        return path
    }
}
