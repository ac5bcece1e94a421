public import Tasq

/// Which jobs a source makes of an event: one or several, by its routes.
public struct WebhookRouting: Sendable {
    /// Routes a source may have; an event never becomes more jobs than that.
    public static let routeLimit = 32
    /// Places of a request that the routes of one source may look at, keys included: the body is read
    /// through for each.
    public static let placeLimit = 16

    /// Which of the routes that an event could take it takes.
    public enum Match: String, Sendable, CaseIterable {
        /// The first, so that an event is one job.
        case first
        /// All of them, each for a job; those of one kind, queue and key are one.
        case all
    }

    /// The kind of the job of an event that takes no route, and of routes that name none.
    public let kind: KindTemplate
    /// The routes, in their order.
    public let routes: [WebhookRoute]
    /// Which of them an event takes.
    public let match: Match

    private let template: @Sendable (Name) -> JobTemplate
    /// What the kinds are made of that are the same for every event.
    private let known: [Name: JobTemplate]

    /// - Parameters:
    ///   - kind: of the job of an event that takes no route, and of routes that name none.
    ///   - routes: at most ``routeLimit``.
    ///   - match: which of the routes an event takes.
    ///   - template: what a job of a kind gets where its route does not say.
    public init(
        kind: KindTemplate, routes: [WebhookRoute] = [], match: Match = .first,
        template: @escaping @Sendable (Name) -> JobTemplate
    ) {
        self.kind = kind
        self.routes = routes
        self.match = match
        self.template = template
        var known: [Name: JobTemplate] = [:]
        for kind in [kind] + routes.compactMap(\.kind) where !kind.isByType {
            let name = kind.kind(for: nil)
            known[name] = template(name)
        }
        self.known = known
    }

    /// The same job for every event.
    public init(_ job: JobTemplate) {
        self.init(kind: KindTemplate(job.kind)) { _ in job }
    }

    /// The jobs of an event: at least one, in the order of the routes.
    func jobs(of request: WebhookRequest, type: String?) -> [RoutedJob] {
        var values = PlaceValues(request)
        var jobs: [RoutedJob] = []
        for (place, route) in routes.enumerated() where route.takes(type, &values) {
            let job = job(by: route, at: place, type, &values)
            if !jobs.contains(where: { $0.isSame(as: job) }) { jobs.append(job) }
            if match == .first { break }
        }
        return jobs.isEmpty ? [job(by: nil, at: nil, type, &values)] : jobs
    }

    private func job(
        by route: WebhookRoute?, at place: Int?, _ type: String?, _ values: inout PlaceValues
    ) -> RoutedJob {
        let kind = route?.kind ?? self.kind
        let name = kind.kind(for: type)
        var job = known[name] ?? template(name)
        if let route { job.options = route.options.over(job.options) }
        if let key = route?.key { job.key = key }
        if let delay = route?.delay { job.delay = delay }
        return RoutedJob(
            route: place, job: job, key: job.key(in: &values), lacksType: kind.lacksType(type))
    }
}

/// A job that an event becomes.
public struct RoutedJob: Sendable, Hashable {
    /// Which of the source's routes made it, counted from 0; `nil`: the event takes none.
    public let route: Int?
    /// Its kind, and what goes with it.
    public let job: JobTemplate
    /// Its key; `nil` where it has none.
    public let key: String?
    /// Whether its kind should have the event's type in it, and the event has none that fits.
    package let lacksType: Bool

    /// Whether two routes made the same job.
    fileprivate func isSame(as other: RoutedJob) -> Bool {
        job.kind == other.job.kind && job.queue == other.job.queue && key == other.key
    }

    /// As it is put in; the event has the body.
    func newJob() throws(InvalidInput) -> NewJob {
        var options = job.options
        options.key = key
        return try NewJob(
            kind: job.kind, options: options, start: job.delay > .zero ? .after(job.delay) : .now,
            payload: Payload([]))
    }
}

extension WebhookRouting {
    /// What contradicts itself, each thing named below `field`, the source's.
    ///
    /// - Parameter hasType: whether the source has a place for the event's type.
    package func objections(of field: String, hasType: Bool) -> [InvalidInput] {
        guard routes.count <= Self.routeLimit else {
            return [
                InvalidInput(field: "\(field).routes", "must be at most \(Self.routeLimit)")
            ]
        }
        var objections: [InvalidInput] = []
        if Set(routes.flatMap(\.places)).count > Self.placeLimit {
            objections.append(
                InvalidInput(
                    field: "\(field).routes",
                    "must look at no more than \(Self.placeLimit) places in all"))
        }
        let typeless = "needs the event's type, and the scheme has no place for it: add type"
        if !hasType, kind.isByType {
            objections.append(InvalidInput(field: "\(field).kind", typeless))
        }
        for (index, route) in routes.enumerated() {
            let place = "\(field).routes[\(index)]"
            if !hasType, route.types != nil {
                objections.append(InvalidInput(field: "\(place).type", typeless))
            }
            if !hasType, route.kind?.isByType == true {
                objections.append(InvalidInput(field: "\(place).kind", typeless))
            }
            if let rule = objection(to: index) {
                objections.append(InvalidInput(field: place, rule))
            }
        }
        return objections
    }

    /// Why a route is of no use beside those before it; `nil` when it is.
    private func objection(to index: Int) -> String? {
        let route = routes[index]
        for (earlier, other) in routes[..<index].enumerated() where other.covers(route) {
            switch match {
            case .first:
                return "is never reached: routes[\(earlier)] above it takes all its events"
            case .all where makesSame(other, route):
                return "makes no job of its own: routes[\(earlier)] makes it of all its events"
            case .all: continue
            }
        }
        return nil
    }

    private func makesSame(_ route: WebhookRoute, _ other: WebhookRoute) -> Bool {
        (route.kind ?? kind) == (other.kind ?? kind) && route.queue == other.queue
            && route.key == other.key
    }
}
