import Tasq

/// What `tasq top` shows of one look.
struct TopFrame {
    var reading: TopReading?
    let place: String
    /// Why there is no newer reading.
    var trouble: String?
    /// The last line, as on keys.
    var footer: String?

    /// The lines that fit, each ended; what is too wide is cut, what is too long is counted.
    func text(width: Int, height: Int, isStyled: Bool) -> String {
        lines(height: height).prefix(max(1, height)).map { line in
            Table.text(of: Self.cut(line, to: width), styled: isStyled) + "\n"
        }.joined()
    }

    private func lines(height: Int) -> [[Table.Cell]] {
        var lines = head
        let footer = self.footer.map { [[Table.Cell($0, .faint)]] } ?? []
        guard let glance = reading?.glance else { return lines + footer }
        let (queues, workers) = (queues(of: glance).lines(), workers(of: glance).lines())
        // Half of the room for each, more where the other needs less; a blank line before either.
        let room = max(4, height - lines.count - footer.count - 2)
        let forWorkers = max(2, min(workers.count, max(room / 2, room - queues.count)))
        lines += [[]] + Self.shorten(queues, to: max(2, room - forWorkers), "queues")
        lines += [[]] + Self.shorten(workers, to: forWorkers, "workers")
        return lines + footer
    }

    private var head: [[Table.Cell]] {
        var lines: [[Table.Cell]] = [
            [Table.Cell("tasq", .heading), "  \(place)"]
                + (reading.map { ["  \($0.glance.asOf)"] } ?? [])
        ]
        if let trouble { lines.append([Table.Cell(trouble, .bad)]) }
        guard let reading else { return lines }
        let rate = { (value: Double?) -> String in
            guard let value else { return "-" }
            return value < 9.95 ? Self.decimal(value) : String(Int(value.rounded()))
        }
        let rates = reading.rates
        let failed = rates?.failed ?? 0
        lines.append([
            "per second  enqueue \(rate(rates?.enqueued))  start \(rate(rates?.started))  ",
            Table.Cell("success \(rate(rates?.succeeded))", rates == nil ? .plain : .good), "  ",
            Table.Cell("fail \(rate(rates?.failed))", failed > 0 ? .bad : .plain),
            "  pickup p50 \(Self.wait(reading.glance.medianWait))",
            "  p99 \(Self.wait(reading.glance.slowWait))",
        ])
        return lines
    }

    private func queues(of glance: Glance) -> Table {
        var table = Table([
            .init(heading: "QUEUE"), .init(heading: "STATE"),
            .init(heading: "QUEUED", isNumber: true), .init(heading: "SCHEDULED", isNumber: true),
            .init(heading: "EXECUTING", isNumber: true),
            .init(heading: "OLDEST WAIT", isNumber: true),
            .init(heading: "RETRYING", isNumber: true), .init(heading: "ERROR", isNumber: true),
        ])
        for queue in glance.queues {
            let failures = queue.failures
            table.add([
                .init(queue.name.description),
                .init(queue.isPaused ? "paused" : "open", queue.isPaused ? .busy : .plain),
                .init(queue.queuedText), .init(queue.scheduledText),
                .init(String(queue.executing)), .init(queue.oldestWait?.rough ?? "-"),
                .init(failures.retryingText, failures.retrying > 0 ? .busy : .plain),
                .init(failures.errorsText, failures.errors > 0 ? .bad : .plain),
            ])
        }
        return table
    }

    private func workers(of glance: Glance) -> Table {
        var table = Table([
            .init(heading: "WORKER"), .init(heading: "HOST"), .init(heading: "PID", isNumber: true),
            .init(heading: "BUSY", isNumber: true), .init(heading: "FREE", isNumber: true),
            .init(heading: "HEARTBEAT", isNumber: true), .init(heading: "QUEUES"),
        ])
        for standing in glance.workers {
            let worker = standing.worker
            let age = Duration.microseconds(
                max(0, glance.asOf.microseconds - standing.seenAt.microseconds))
            table.add([
                .init(String(worker.id.description.suffix(12))), .init(worker.host),
                .init(String(worker.processID)), .init(String(standing.executing)),
                .init(String(max(0, worker.concurrency - standing.executing))),
                .init("\(age.rough) ago", age > worker.heartbeat * 2 ? .bad : .plain),
                .init(worker.queues.map(\.description).joined(separator: ",")),
            ])
        }
        return table
    }

    /// A table's first lines, and how many are missing.
    private static func shorten(
        _ lines: [[Table.Cell]], to limit: Int, _ noun: String
    ) -> [[Table.Cell]] {
        guard lines.count > limit else { return lines }
        let shown = lines.prefix(limit - 1)
        return shown + [[Table.Cell("… \(lines.count - shown.count) more \(noun)", .faint)]]
    }

    private static func cut(_ line: [Table.Cell], to width: Int) -> [Table.Cell] {
        var room = width
        return line.map { piece in
            let text = piece.text.prefix(room)
            room -= text.count
            return Table.Cell(String(text), piece.style)
        }
    }

    private static func wait(_ wait: Duration?) -> String {
        guard let wait else { return "-" }
        let milliseconds = wait.inSeconds * 1000
        return milliseconds < 100 ? "\(decimal(milliseconds)) ms" : wait.rough
    }

    private static func decimal(_ value: Double) -> String {
        String(Double((value * 10).rounded()) / 10)
    }
}
