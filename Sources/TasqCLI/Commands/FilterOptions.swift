import ArgumentParser
import Tasq

/// The filters that pick jobs, for a list and for what is done with all of them.
struct FilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only those in this status.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Only those of this queue.", valueName: "name"))
    var queue: String?

    @Option(help: ArgumentHelp("Only those of this kind.", valueName: "name"))
    var kind: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Only those with this key.", valueName: "text"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Enqueued at or after: a time, a date, today, yesterday, or 15m for that long ago.",
            valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Enqueued before.", valueName: "time"))
    var until: String?

    /// The filter they make; throws ``InvalidInput`` naming the flag that is wrong.
    func filter() throws -> JobFilter {
        JobFilter(
            status: try status.map { text in
                try flag("--status", text) { text -> JobStatus in try choice(text) }
            },
            queue: try queue.map { try Name($0, field: "--queue") },
            kind: try kind.map { try Name($0, field: "--kind") }, key: key,
            since: try since.map { try TimeText.parse($0, field: "--since") },
            until: try until.map { try TimeText.parse($0, field: "--until") })
    }
}

/// The filters that find jobs by how they run, and by what they failed with.
struct FinderOptions: ParsableArguments {
    @Flag(help: "Only those that wait for another attempt after one that failed.")
    var retrying = false

    @Option(
        help: ArgumentHelp(
            "Only those whose attempt began longer ago, as 1h.", valueName: "duration"))
    var runningLongerThan: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Only those whose reason has this in it, in capitals or not.", valueName: "text"))
    var reason: String?

    /// The filter they make together with the others; throws ``InvalidInput`` naming the flag that is
    /// wrong.
    func filter(with others: FilterOptions) throws -> JobFilter {
        var filter = try others.filter()
        filter.isRetrying = retrying
        filter.runningLongerThan = try runningLongerThan.map {
            try DurationText.parse($0, field: "--running-longer-than")
        }
        filter.reason = try reason.map { try JobFilter.reason($0, field: "--reason") }
        try filter.checkRetrying("--retrying")
        try filter.checkRunning("--running-longer-than")
        return filter
    }
}

/// The filters that pick stored events.
struct EventFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this source.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("Only those of which a job is in this status.", valueName: "status"))
    var status: String?

    @Option(
        help: ArgumentHelp(
            "Stored at or after: a time, a date, today, yesterday, or 15m for that long ago.",
            valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Stored before.", valueName: "time"))
    var until: String?

    /// The filter they make; throws ``InvalidInput`` naming the flag that is wrong.
    func filter() throws -> EventFilter {
        EventFilter(
            source: try source.map { try Name($0, field: "--source") },
            since: try since.map { try TimeText.parse($0, field: "--since") },
            until: try until.map { try TimeText.parse($0, field: "--until") },
            status: try status.map { text in
                try flag("--status", text) { text -> JobStatus in try choice(text) }
            })
    }
}
