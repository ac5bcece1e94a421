import Foundation
import TasqTesting
import TestSizes
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The dashboard in Chromium, where there is one: `apt-get install chromium chromium-driver`.
///
/// With `TASQ_SHOTS=FOLDER` pictures of every page are put there, after a quarter of an hour of
/// work.
@Suite(.enabled(if: Browser.driver != nil), .system(limit: .seconds(1800)))
struct BrowserTests {
    @Test func `Every page fits its screen, light and dark, and leaves the console empty`()
        async throws
    {
        try await DashboardScene.with { scene in
            if DashboardScene.pictures != nil { try await scene.work() }
            let browser = scene.browser
            for isDark in [false, true] {
                try await browser.prefer(dark: isDark)
                for (width, height) in [(1440, 900), (390, 844)] {
                    try await browser.show(width: width, height: height)
                    for (name, path) in scene.pages {
                        try await scene.open(path, untilLive: path != "/login")
                        let page = "\(path) of \(width), \(isDark ? "dark" : "light")"
                        let root = "document.documentElement"
                        let excess = try await browser.text(
                            "\(root).scrollWidth - \(root).clientWidth")
                        #expect(excess == "0", "\(page)")
                        // Nor does anything have to be scrolled to within the page.
                        if width < 600 { #expect(try await scene.beyond() == "", "\(page)") }
                        let back = try await browser.text(
                            "getComputedStyle(document.body).backgroundColor")
                        let meant = isDark ? "rgb(18, 22, 28)" : "rgb(250, 250, 250)"
                        #expect(back == meant, "\(page)")
                        #expect(try await browser.console() == [], "\(page)")
                        try await scene.keep("\(name)-\(width)-\(isDark ? "dark" : "light")")
                    }
                }
                // As the README shows it.
                try await browser.show(width: 1200, height: 640)
                try await scene.open("/", untilLive: true)
                try await scene.keep(isDark ? "overview~dark" : "overview")
            }
        }
    }

    @Test func `A page follows what happens without being loaded anew, and tells when it cannot`()
        async throws
    {
        try await DashboardScene.with { scene in
            let browser = scene.browser
            try await scene.open("/jobs?kind=fresh", untilLive: true)
            #expect(try await scene.rows() == "undefined")
            _ = try await browser.text("window.mark = 'here'")
            let id = try await scene.system.enqueue("fresh")
            try await eventually("the page shows the job and its end") {
                let rows = try await scene.rows()
                return rows.contains(id.suffix(8)) && rows.contains("success")
            }
            #expect(try await browser.text("window.mark") == "here")
            #expect(try await browser.console() == [])
            kill(scene.system.server, SIGTERM)
            try await eventually("the page says that it is not live") {
                try await browser.text("document.getElementById('live').textContent") == "not live"
            }
            #expect(try await scene.rows().contains(id.suffix(8)))
        }
    }

    @Test func `Without scripts a page says the same, and the way out works`() async throws {
        try await DashboardScene.with { scene in
            let browser = scene.browser
            var said: [[String]] = []
            for isAllowed in [true, false] {
                try await browser.allowScripts(isAllowed)
                var texts: [String] = []
                for path in ["/jobs", "/jobs/\(scene.failed)", "/events/\(scene.event)"] {
                    try await scene.open(path, untilLive: isAllowed)
                    // Ages go on, and the page is drawn anew with them.
                    let text = """
                        (document.querySelectorAll('main time').forEach(t => t.remove()), \
                        document.querySelector('main').innerText)
                        """
                    texts.append(try await browser.text(text))
                }
                said.append(texts)
            }
            #expect(said[0] == said[1])
            #expect(said[0].allSatisfy { $0.count > 100 })
            #expect(try await browser.text("document.getElementById('live').textContent") == "")
            try await browser.click("header form[action='/logout'] button")
            try await eventually("one is logged out") {
                try await browser.text("location.pathname") == "/login"
            }
            try await scene.open("/jobs")
            #expect(try await browser.text("location.pathname") == "/login")
        }
    }
}
