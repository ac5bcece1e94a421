import NIOHTTP1
import Tasq

/// The pages for people: drawn here, readable without a script, kept live by one.
///
/// Who may only read is shown nothing to change anything with. A page asks for a login where tokens
/// are configured; the answer to a good one is a cookie (``DashboardSession``). A form is taken
/// from its own page only (``FormCode``), and answered by the way to a page that tells what it did.
struct Dashboard: Sendable {
    let queue: Queue
    let catalog: any Catalog
    let authorization: Authorization
    let meters: HTTPMeters
    /// Works off what is done with all jobs that match.
    let runner: BulkRunner
    private let redis: @Sendable () async -> DependencyState
    private let code: FormCode
    /// How long a page waits for what Redis has to say.
    private static let redisPatience = Duration.seconds(1)

    init(
        queue: Queue, catalog: any Catalog, runner: BulkRunner, authorization: Authorization,
        meters: HTTPMeters, redis: @escaping @Sendable () async -> DependencyState
    ) {
        self.queue = queue
        self.catalog = catalog
        self.runner = runner
        self.authorization = authorization
        self.meters = meters
        self.redis = redis
        code = FormCode(tokens: authorization.tokens)
    }

    var routes: [Route] {
        pages + logins + jobForms + queueForms + scheduleForms + eventForms + bulkForms
    }

    private var pages: [Route] {
        [
            page("/") { visit async throws(Problem) in try await overview(visit) },
            page("/jobs") { visit async throws(Problem) in try await jobs(visit) },
            page("/jobs/{id}") { visit async throws(Problem) in try await job(visit) },
            file("/find") { visit async throws(Problem) in try await find(visit) },
            file("/jobs/{id}/payload") { visit async throws(Problem) in try await payload(visit) },
            page("/queues") { visit async throws(Problem) in try await queues(visit) },
            page("/held-back") { _ async throws(Problem) in try await heldBack() },
            page("/workers") { _ async throws(Problem) in try await workers() },
            page("/schedules") { visit async throws(Problem) in try await schedules(visit) },
            page("/events") { visit async throws(Problem) in try await events(visit) },
            page("/events/{id}") { visit async throws(Problem) in try await event(visit) },
            Self.asset("dashboard.css", "text/css"),
            Self.asset("dashboard.js", "text/javascript"),
        ]
    }

    private var logins: [Route] {
        [
            Route("GET", "/login", nil) { _, _ in Self.login(failed: false) },
            Route("POST", "/login", nil) { request, _ async throws(Problem) in
                try logIn(request)
            },
            Route("POST", "/logout", nil) { request, _ async throws(Problem) in
                _ = try authorization.role(of: request.head)
                return Self.moved(to: "/login", cookie: DashboardSession.ended)
            },
        ]
    }

    /// A page for who has this role; who has none is sent to the login.
    func page(
        _ path: String, _ role: Role = .read,
        _ body: @escaping @Sendable (Visit) async throws(Problem) -> Page
    ) -> Route {
        Route("GET", path, nil) { request, id async throws(Problem) in
            await answer(request, id, role, path) { visit async throws(Problem) in
                var page = try await body(visit)
                page.note = visit.deed?.sentence
                return await framed(page, at: path)
            }
        }
    }

    /// What a page leads to that is none itself.
    private func file(
        _ path: String,
        _ body: @escaping @Sendable (Visit) async throws(Problem) -> Answer
    ) -> Route {
        Route("GET", path, nil) { request, id async throws(Problem) in
            await answer(request, id, .read, path, body)
        }
    }

    /// What the form of a page does, for who may change something; returns where the browser goes
    /// to see what came of it.
    func form(
        _ path: String, with fields: Set<String> = [],
        _ act: @escaping @Sendable (Visit, Query) async throws(Problem) -> String
    ) -> Route {
        Route("POST", path, nil) { request, id async throws(Problem) in
            await answer(request, id, .operate, path) { visit async throws(Problem) in
                // Every browser says from where it sends a form.
                guard request.head.headers.contains(name: "origin") else { throw .foreignOrigin }
                let form = try Query(
                    String(decoding: request.body, as: UTF8.self),
                    allowing: fields.union([FormCode.field]))
                try code.check(form, of: request.head)
                return Self.moved(to: try await act(visit, form))
            }
        }
    }

    /// Problems become pages, too.
    private func answer(
        _ request: Request, _ id: Substring, _ needed: Role, _ path: String,
        _ body: (Visit) async throws(Problem) -> Answer
    ) async -> Answer {
        do throws(Problem) {
            let role = try authorization.role(of: request.head)
            guard role >= needed else { throw .forbidden }
            return try await body(
                Visit(request.head, id: id, role: role, code: code.text(for: request.head)))
        } catch {
            if error.code == Problem.unauthorized.code { return Self.moved(to: "/login") }
            meters.refused(error)
            var page = Page(error, of: request.head.id)
            // It comes back by itself, without a script too.
            if !page.outages.isEmpty, request.head.method == "GET" {
                page.headers.append(("Refresh", "5"))
            }
            return await framed(page, at: path)
        }
    }

    /// A page in its frame, which tells of Redis whether it answers.
    private func framed(_ page: Page, at path: String) async -> Answer {
        var page = page
        let redis = self.redis
        let isThere = await happens(within: Self.redisPatience, unless: nil) {
            await redis() != .down
        }
        if !isThere { page.outages.append(.redis) }
        return page.answer(path: path, hasLogin: !authorization.tokens.isEmpty)
    }

    private static func asset(_ file: String, _ type: String) -> Route {
        let bytes = Array(EmbeddedFile.text("TasqHTTP/Dashboard/" + file).utf8)
        return Route("GET", "/" + file, nil) { _, _ in
            Answer(status: .ok, contentType: type + "; charset=utf-8", body: bytes)
        }
    }

    static func moved(to path: String, cookie: String? = nil) -> Answer {
        Answer(
            status: .seeOther, contentType: "text/plain",
            headers: [("Location", path)] + (cookie.map { [("Set-Cookie", $0)] } ?? []), body: [])
    }

    private static func login(failed: Bool) -> Answer {
        var page = Page(title: "Log in") {
            """
            <form class="login" method="post" action="/login"><h1>tasq</h1>
            \(failed ? "<p class=\"error\">That is none of the tokens.</p>" : "" as Markup)
            <label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
            <button>Log in</button></form>
            """
        }
        page.isBare = true
        if failed { page.status = .unauthorized }
        return page.answer(path: "/login", hasLogin: false)
    }

    private func logIn(_ request: Request) throws(Problem) -> Answer {
        let head = request.head
        try authorization.checkOrigin(of: head)
        guard let origin = head.headers.first(name: "origin") else { throw .foreignOrigin }
        let form = try Query(String(decoding: request.body, as: UTF8.self), allowing: ["token"])
        let text = try form.value("token") { $0 } ?? ""
        var known: AdminToken?
        for token in authorization.tokens where token.matches(text) { known = token }
        guard let known else { return Self.login(failed: true) }
        return Self.moved(
            to: "/",
            cookie: DashboardSession.issue(
                for: known, now: .now, isSecure: origin.lowercased().hasPrefix("https://")))
    }
}

/// A request for a page, by somebody who may see it.
struct Visit: Sendable {
    /// What stands for the part of the path in braces.
    let id: Substring
    let role: Role
    /// What the page's forms carry.
    let code: String
    /// What a form has done that led here.
    let deed: Deed?
    /// The parameters of the query, without what only the frame reads and what was left empty: a
    /// form sends that, too.
    let given: [Substring]

    init(_ head: RequestHead, id: Substring, role: Role, code: String) {
        self.id = id
        self.role = role
        self.code = code
        let pairs = (head.query ?? "").split(separator: "&")
        deed = pairs.first { $0.hasPrefix("done=") }.flatMap { pair in
            Deed(rawValue: String(pair.dropFirst("done=".count)))
        }
        given = pairs.filter { pair in
            // A value may end with the sign: only one that is nothing else was left empty.
            let value = pair.drop { $0 != "=" }
            return value != "=" && !pair.hasPrefix("done=")
        }
    }

    var query: String { given.joined(separator: "&") }

    /// The query without some of its parameters.
    func without(_ names: String...) -> String {
        given.filter { pair in !names.contains { pair.hasPrefix($0 + "=") } }
            .joined(separator: "&")
    }

    /// Whether the page shows what something can be changed with.
    var mayAct: Bool { role >= .operate }
}

/// What a form has done. A page tells it by a word in its own address, which anybody may write: so
/// there is nothing to tell but these lines.
enum Deed: String {
    case retry, cancel, delete, pause, resume, replay, stop

    var sentence: String {
        switch self {
        case .retry: "The job is queued. It runs as soon as a worker has a slot for it."
        case .cancel: "The job is cancelled."
        case .delete: "The job is deleted."
        case .pause: "The queue is paused. What runs goes on."
        case .resume: "The queue is open: its jobs run again."
        case .stop: "It is called off. What was done until then stays done."
        case .replay: "The event is replayed. Its new jobs stand below, the newest first."
        }
    }
}
