import ArgumentParser
import Logging
import TasqTLS

#if canImport(Glibc)
    import CAllocator
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the program starts; the only place that ends it.
@main
enum Program {
    static func main() async {
        // First of all: a reader or a peer that goes away must not take the process with it.
        signal(SIGPIPE, SIG_IGN)
        TLSContext.prepareProcess()
        ClosedStreams.fill()
        #if canImport(Glibc)
            // A large body's memory goes back to the system with it. Unless this is said, glibc keeps
            // blocks of up to 32 MiB for later, after the first one of that size (mallopt(3)).
            mallopt(M_MMAP_THRESHOLD, 1 << 20)
        #endif
        if CommandLine.arguments.dropFirst() == [CommandGuard.argument] { CommandGuard.stand() }
        do {
            try RawArguments.check()
            try RepeatedFlags.refuse(in: Array(CommandLine.arguments.dropFirst()))
            var command = try TasqCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch is ReaderGone {
            exit(0)
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        let code = TasqCommand.exitCode(for: error)
        if code.isSuccess {
            // Help and version are answers, not errors.
            do {
                try StandardOutput.line(TasqCommand.message(for: error))
            } catch let failure as Failure {
                StandardError.line("tasq: \(failure.text)")
                exit(failure.code.rawValue)
            } catch {
                // Nobody reads it any more.
            }
            exit(0)
        }
        if code == .validationFailure {
            let text = TasqCommand.message(for: error)
            StandardError.line("tasq: \(LineLog.oneLine(text)); see tasq --help")
            exit(Failure.Code.usage.rawValue)
        }
        let failure = Failure(error)
        for line in failure.text.split(whereSeparator: \.isNewline) {
            StandardError.line("tasq: \(LineLog.oneLine(String(line)))")
        }
        exit(failure.code.rawValue)
    }
}
