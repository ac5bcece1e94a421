import Foundation
import TasqTesting
import TestSizes
import Testing

/// The pages under axe-core, a program that knows what is in the way of people who do not see them,
/// or not well. `compose/test --long` has it from PyPI; it runs in Chromium, where there is one.
@Suite(.enabled(if: Browser.axe != nil && Browser.driver != nil), .system(limit: .seconds(1800)))
struct LongAxeTests {
    @Test func `Nothing is found on any page, wide or narrow, light or dark`() async throws {
        let axe = try String(contentsOfFile: try #require(Browser.axe), encoding: .utf8)
        try await DashboardScene.with { scene in
            let browser = scene.browser
            let failed = scene.failed
            // Every other page that asks or is edited, and those that refuse.
            let paths =
                scene.pages.map { $0.path } + [
                    "/jobs/\(failed)/delete", "/jobs/\(failed)/cancel",
                    "/queues/resume?queue=nightly",
                    "/schedules/pause?schedule=nightly", "/schedules/resume?schedule=nightly",
                    "/bulk?action=retry&status=error&kind=fails", "/jobs?kind=none",
                    "/jobs?cursor=x", "/jobs/x", "/find?id=x", "/bulk",
                ]
            for isDark in [false, true] {
                try await browser.prefer(dark: isDark)
                for (width, height) in [(1440, 900), (390, 844)] {
                    try await browser.show(width: width, height: height)
                    for path in paths {
                        try await scene.open(path)
                        let found = try await violations(in: browser, axe)
                        let page = "\(path) of \(width), \(isDark ? "dark" : "light")"
                        #expect(found == "[]", "\(page)")
                    }
                }
            }
            // Else that would prove nothing. What the page is drawn anew with has no image.
            try await scene.open("/")
            try await browser.run(
                "\(Self.still); document.querySelector('main').append(new Image())")
            #expect(try await violations(in: browser, axe).contains("image-alt"))
        }
    }

    /// From then on the page stays as it is.
    private static let still = "document.querySelector('main').dataset.still = ''"

    /// The rules that the page breaks, and where it does.
    private func violations(in browser: Browser, _ axe: String) async throws -> String {
        try await browser.run(Self.still)
        try await browser.run(axe)
        return try await browser.outcome(
            of: """
                axe.run(document, { resultTypes: ["violations"] }).then((answer) =>
                    JSON.stringify(answer.violations.map((rule) =>
                        [rule.id, rule.nodes.map((one) => one.target.join(" "))])))
                """)
    }
}
