import FoundationEssentials
import Tasq

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the load's handlers do, the same in a worker of this program and behind `tasq work`.
struct Deeds: Sendable {
    /// One attempt as its handler sees it.
    struct Attempt: Sendable {
        var deed: JobShape.Deed
        var body: JobShape.Body
        var job: String
        var claim: String
        var number: Int
    }

    /// Why an attempt failed.
    enum Failure: Error, CustomStringConvertible {
        case meant
        case hostile

        var description: String {
            switch self {
            case .meant: "it was meant to fail"
            // No column takes the NUL, and the text is longer than any that is kept.
            case .hostile:
                "\u{0}\u{FFFF}'; DROP TABLE tasq.job; --" + String(repeating: "é", count: 5000)
            }
        }
    }

    let log: EventLog

    /// Runs an attempt and logs its first and its last moment.
    func run(_ attempt: Attempt) async throws {
        log.write(event(.start, attempt))
        do {
            try await perform(attempt)
            log.write(event(.end, attempt, "ok"))
        } catch {
            log.write(event(.end, attempt, error is CancellationError ? "cancelled" : "failed"))
            throw error
        }
    }

    private func event(
        _ kind: Event.Kind, _ attempt: Attempt, _ outcome: String? = nil
    ) -> Event {
        Event(
            kind: kind, token: attempt.body.tok, job: attempt.job, claim: attempt.claim,
            attempt: attempt.number, outcome: outcome)
    }

    private func perform(_ attempt: Attempt) async throws {
        if attempt.body.ms > 0 { try await Task.sleep(for: .milliseconds(attempt.body.ms)) }
        switch attempt.deed {
        case .run:
            if attempt.number <= attempt.body.failures { throw Failure.meant }
        case .fail:
            throw Failure.meant
        case .hostile:
            if attempt.number == 1 { throw Failure.hostile }
        case .pill:
            // Each pill begins with another way.
            Self.die(in: attempt.number + attempt.body.ms)
        case .leak:
            await Self.leak()
        case .tick: break
        case .hang:
            while true { await Self.sleepDeaf() }
        case .spin:
            while true {}
        }
    }

    /// Ends this process, in another way each time.
    private static func die(in way: Int) -> Never {
        switch way % 5 {
        case 0: abort()
        case 1: fatalError("a job that kills its worker")
        case 2: die(in: [way][way])
        case 3: die(in: Int.max - 2 + way)
        default:
            kill(getpid(), SIGKILL)
            abort()
        }
    }

    /// Takes and touches memory until somebody puts an end to it.
    private static func leak() async {
        var taken: [[UInt8]] = []
        while true {
            taken.append([UInt8](repeating: 1, count: 1 << 20))
            await sleepDeaf(.milliseconds(2))
            if taken.count > 4096 { die(in: 0) }
        }
    }

    /// Sleeps and hears no cancellation.
    private static func sleepDeaf(_ duration: Duration = .milliseconds(200)) async {
        await Task { _ = await sleep(for: duration) }.value
    }
}
