extension WebhookSource {
    /// What whoever set the source up should know of an event that it takes: one line each.
    package func warnings(about event: VerifiedEvent) -> [String] {
        var warnings: [String] = []
        if event.providerID == nil {
            let place = id.map { "no event id at \($0)" } ?? "the source has no id"
            warnings.append(place + ": if the event is sent again, it runs again")
        }
        if let job = event.jobs.first(where: \.lacksType)?.job {
            warnings.append("the event has no type that fits into a kind: it is \(job.kind)")
        }
        return warnings
    }
}
