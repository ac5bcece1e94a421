import NIOHTTP1
import Tasq

/// One page: what stands in its frame.
struct Page {
    /// Nothing inline, nothing from elsewhere, no frame around it.
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    private static let parts = [
        ("/", "Overview"), ("/jobs", "Jobs"), ("/queues", "Queues"), ("/held-back", "Held back"),
        ("/workers", "Workers"), ("/schedules", "Schedules"), ("/events", "Events"),
    ]

    let title: String
    let main: Markup
    var status = HTTPResponseStatus.ok
    var headers: [(name: String, value: String)] = []
    /// What a form has done, in one line.
    var note: String?
    /// What the system leans on and does not answer.
    var outages: [Outage] = []
    /// Without the way to other pages.
    var isBare = false
    /// Somebody is about to send its form: it is not drawn anew.
    var isStill = false

    init(title: String, _ main: () -> Markup) {
        self.title = title
        self.main = main()
    }

    /// Why there is no page, or why nothing was done.
    init(_ problem: Problem, of request: RequestID) {
        let detail = problem.detail.map { "<p>\($0)</p>" as Markup } ?? ""
        self.init(title: problem.title) {
            """
            <h1>\(problem.title)</h1><div class="card refused">\(detail)
            <p class="dim">Request <span class="id">\(request)</span></p></div>
            """
        }
        status = problem.status
        headers = problem.headers
        isStill = true
        if [Problem.unavailable.code, Problem.notDurable.code].contains(problem.code) {
            outages = [.postgres]
        }
    }

    func answer(path: String, hasLogin: Bool) -> Answer {
        let links = Markup(each: Self.parts) { target, name in
            let isHere = target == path || (target != "/" && path.hasPrefix(target + "/"))
            return
                "<a href=\"\(target)\"\(isHere ? " aria-current=\"page\"" : "" as Markup)>\(name)</a>"
        }
        let ways: Markup = "<nav aria-label=\"Main\">\(links)</nav>"
        let logout: Markup =
            hasLogin
            ? "<form method=\"post\" action=\"/logout\"><button>Log out</button></form>" : ""
        let header: Markup =
            isBare
            ? ""
            : "<header><strong>tasq</strong>\(ways)<span id=\"live\"></span>\(logout)</header>"
        let script: Markup = isBare ? "" : "<script src=\"/dashboard.js\" defer></script>"
        let done = note.map { "<p class=\"card note\" role=\"status\">\($0)</p>" as Markup } ?? ""
        let state = Markup(each: outages) { outage in
            "<p class=\"banner\" role=\"alert\">\(outage.sentence)</p>"
        }
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title) – tasq</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <link rel="icon" href="data:,"><link rel="stylesheet" href="/dashboard.css">\(script)</head>
            <body>\(header)<div id="state">\(state)</div><main\(isStill ? " data-still" : "" as Markup)>\(done)\(main)</main></body></html>
            """
        let rules: [(name: String, value: String)] = [
            ("Content-Security-Policy", Self.policy + "; img-src data:"),
            // With no-referrer browsers name the origin of a form `null`, and none is taken.
            ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        return Answer(
            status: status, contentType: "text/html; charset=utf-8", headers: headers + rules,
            body: Array(page.text.utf8))
    }
}

/// What does not answer, and what that means.
enum Outage {
    case postgres, redis

    var sentence: String {
        switch self {
        case .postgres:
            "PostgreSQL does not answer. No job starts or ends and none is taken; what was "
                + "acknowledged is kept."
        case .redis:
            "Redis does not answer. Jobs go on: workers find them in the tables, up to a second "
                + "later."
        }
    }
}
