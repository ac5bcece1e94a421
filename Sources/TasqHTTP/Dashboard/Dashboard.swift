import NIOHTTP1
import Tasq

/// The pages for people: drawn here, readable without a script, kept live by one.
///
/// They show and change nothing. A page asks for a login where tokens are configured; the answer
/// to a good one is a cookie (``DashboardSession``).
struct Dashboard: Sendable {
    let catalog: any Catalog
    let authorization: Authorization

    var routes: [Route] {
        [
            page("/") { _, _ async throws(Problem) in try await overview() },
            page("/jobs") { head, _ async throws(Problem) in try await jobs(head) },
            page("/jobs/{id}") { _, id async throws(Problem) in try await job(id) },
            page("/queues") { _, _ async throws(Problem) in try await queues() },
            page("/workers") { _, _ async throws(Problem) in try await workers() },
            page("/events") { head, _ async throws(Problem) in try await events(head) },
            page("/events/{id}") { _, id async throws(Problem) in try await event(id) },
            Route("GET", "/login", nil) { _, _ in Self.login(failed: false) },
            Route("POST", "/login", nil) { request, _ async throws(Problem) in
                try logIn(request)
            },
            Route("POST", "/logout", nil) { request, _ async throws(Problem) in
                _ = try authorization.role(of: request.head)
                return Self.moved(to: "/login", cookie: DashboardSession.ended)
            },
            Self.asset("/dashboard.css", "text/css", PackageResources.dashboard_css),
            Self.asset("/dashboard.js", "text/javascript", PackageResources.dashboard_js),
        ]
    }

    /// A page for who may read; who may not is sent to the login.
    private func page(
        _ path: String,
        _ body: @escaping @Sendable (RequestHead, Substring) async throws(Problem) -> Page
    ) -> Route {
        Route("GET", path, nil) { request, id async throws(Problem) in
            do throws(Problem) {
                _ = try authorization.role(of: request.head)
            } catch {
                guard error.code == Problem.unauthorized.code else { throw error }
                return Self.moved(to: "/login")
            }
            return try await body(request.head, id).answer(
                path: path, hasLogin: !authorization.tokens.isEmpty)
        }
    }

    private static func asset(_ path: String, _ type: String, _ bytes: [UInt8]) -> Route {
        Route("GET", path, nil) { _, _ in
            Answer(status: .ok, contentType: type + "; charset=utf-8", body: bytes)
        }
    }

    private static func moved(to path: String, cookie: String? = nil) -> Answer {
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
        var answer = page.answer(path: "/login", hasLogin: false)
        if failed { answer.status = .unauthorized }
        return answer
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

/// One page: what stands in its frame.
struct Page {
    /// Nothing inline, nothing from elsewhere, no frame around it.
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    private static let parts = [
        ("/", "Overview"), ("/jobs", "Jobs"), ("/queues", "Queues"), ("/workers", "Workers"),
        ("/events", "Events"),
    ]

    let title: String
    let main: Markup
    /// Without the way to other pages.
    var isBare = false

    init(title: String, _ main: () -> Markup) {
        self.title = title
        self.main = main()
    }

    func answer(path: String, hasLogin: Bool) -> Answer {
        let links = Markup(each: Self.parts) { target, name in
            let isHere = target == path || (target != "/" && path.hasPrefix(target + "/"))
            return
                "<a href=\"\(target)\"\(isHere ? " aria-current=\"page\"" : "" as Markup)>\(name)</a>"
        }
        let logout: Markup =
            hasLogin
            ? "<form method=\"post\" action=\"/logout\"><button>Log out</button></form>" : ""
        let header: Markup =
            isBare
            ? ""
            : "<header><strong>tasq</strong>\(links)<span id=\"live\"></span>\(logout)</header>"
        let script: Markup = isBare ? "" : "<script src=\"/dashboard.js\" defer></script>"
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title) – tasq</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <link rel="icon" href="data:,"><link rel="stylesheet" href="/dashboard.css">\(script)</head>
            <body>\(header)<main>\(main)</main></body></html>
            """
        return Answer(
            status: .ok, contentType: "text/html; charset=utf-8",
            headers: [
                ("Content-Security-Policy", Self.policy + "; img-src data:"),
                // With "no-referrer" a browser sends forms with `Origin: null`, and none is taken.
                ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
            ], body: Array(page.text.utf8))
    }
}
