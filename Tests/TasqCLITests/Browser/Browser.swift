import Foundation
import NIOHTTP1
import TasqTesting
import TasqWebhooks
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Chromium without a window, driven over WebDriver (W3C), which is HTTP with JSON.
final class Browser {
    /// Debian's package chromium-driver.
    static let driver = ChildProcess.find("chromedriver")
    /// Where the script of axe-core is, if it could be had.
    static let axe = ProcessInfo.processInfo.environment["TASQ_TEST_AXE"]

    private let session: String

    /// Runs a browser while the body runs.
    static func with(_ body: (Browser) async throws -> Void) async throws {
        let process = try await ChildProcess.start(
            try #require(driver), ["--port=0"], directory: NSTemporaryDirectory())
        let line = try await process.waitForLine(containing: "started successfully on port ")
        let port = line.filter { $0.isNumber || $0 == " " }.split(separator: " ").last ?? ""
        let address = "http://127.0.0.1:\(port)/session"
        let wishes: [String: Any] = [
            "browserName": "chrome", "goog:loggingPrefs": ["browser": "INFO"],
            "goog:chromeOptions": [
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                    "--hide-scrollbars", "--no-first-run", "--disable-extensions",
                ]
            ],
        ]
        let made: Session = try value(
            try await send(.POST, address, ["capabilities": ["alwaysMatch": wishes]]))
        let browser = Browser(session: "\(address)/\(made.sessionId)")
        do {
            try await body(browser)
        } catch {
            try? await browser.end()
            process.signal(SIGTERM)
            throw error
        }
        try await browser.end()
        process.signal(SIGTERM)
        _ = try await process.wait()
    }

    private init(session: String) {
        self.session = session
    }

    private func end() async throws {
        _ = try await Self.send(.DELETE, session)
    }

    /// Goes to a page and waits until it is loaded.
    func open(_ url: String) async throws {
        try await command("url", ["url": url])
    }

    /// What a script's expression comes to, as text.
    func text(_ script: String) async throws -> String {
        let body: [String: Any] = ["script": "return String(\(script))", "args": [String]()]
        return try Self.value(try await Self.send(.POST, "\(session)/execute/sync", body))
    }

    /// Runs a script as it stands, whatever the page's policy says of scripts.
    func run(_ script: String) async throws {
        try await command("execute/sync", ["script": script, "args": [String]()])
    }

    /// What the promise that a script's expression makes comes to, as text.
    func outcome(of promise: String) async throws -> String {
        let script = """
            const done = arguments[arguments.length - 1];
            (\(promise)).then((value) => done(String(value)), (error) => done("failed: " + error));
            """
        let body: [String: Any] = ["script": script, "args": [String]()]
        return try Self.value(try await Self.send(.POST, "\(session)/execute/async", body))
    }

    /// Types into the element that a CSS selector finds.
    func type(_ text: String, into selector: String) async throws {
        let element = try await element(selector)
        try await command("element/\(element)/value", ["text": text])
    }

    func click(_ selector: String) async throws {
        let element = try await element(selector)
        try await command("element/\(element)/click", [:])
    }

    /// What pages have written to the console since it was asked last, and what the browser has,
    /// but for its hints to those who write pages.
    func console() async throws -> [String] {
        let answer = try await Self.send(.POST, "\(session)/se/log", ["type": "browser"])
        let entries: [Entry] = try Self.value(answer)
        return entries.map { "\($0.level): \($0.message)" }
    }

    /// Sets the size of the screen; a narrow one is a telephone's.
    func show(width: Int, height: Int) async throws {
        let isTelephone = width < 600
        try await develop(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": width, "height": height, "deviceScaleFactor": isTelephone ? 2 : 1,
                "mobile": isTelephone,
            ])
    }

    /// Sets whether people want pages dark.
    func prefer(dark isDark: Bool) async throws {
        let feature = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
        try await develop("Emulation.setEmulatedMedia", ["features": [feature]])
    }

    /// Sets whether pages that are opened from now on may run scripts.
    func allowScripts(_ isAllowed: Bool) async throws {
        try await develop("Emulation.setScriptExecutionDisabled", ["value": !isAllowed])
    }

    /// What the screen shows, as a PNG.
    func picture() async throws -> Data {
        let text: String = try Self.value(try await Self.send(.GET, "\(session)/screenshot"))
        return try #require(Data(base64Encoded: text))
    }

    private func element(_ selector: String) async throws -> String {
        let answer = try await Self.send(
            .POST, "\(session)/element", ["using": "css selector", "value": selector])
        let found: [String: String] = try Self.value(answer)
        return try #require(found.values.first)
    }

    private func develop(_ command: String, _ parameters: [String: Any]) async throws {
        try await self.command("goog/cdp/execute", ["cmd": command, "params": parameters])
    }

    private func command(_ path: String, _ body: [String: Any]) async throws {
        _ = try await Self.send(.POST, "\(session)/\(path)", body)
    }

    private static func send(
        _ method: HTTPMethod, _ url: String, _ body: [String: Any]? = nil
    ) async throws -> Data {
        var request = try HTTPRequest(url: url)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
            request.body = Array(try JSONSerialization.data(withJSONObject: body))
        }
        let answer = try await request.answer(
            within: .seconds(120).onThisMachine, bodyLimit: 32 << 20)
        guard answer.status == 200 else {
            throw TestingError.failed("\(url): \(answer.status) \(answer.text.prefix(2000))")
        }
        return Data(answer.body)
    }

    private static func value<Value: Decodable>(_ answer: Data) throws -> Value {
        try JSONDecoder().decode(Answer<Value>.self, from: answer).value
    }

    private struct Answer<Value: Decodable>: Decodable {
        let value: Value
    }

    private struct Session: Decodable {
        let sessionId: String
    }

    private struct Entry: Decodable {
        let level: String
        let message: String
    }
}
