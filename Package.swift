// swift-tools-version: 6.2

import PackageDescription

/// The settings of every Swift target: strict about types, imports, memory and warnings.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let tracing = Target.Dependency.product(
    name: "Instrumentation", package: "swift-distributed-tracing")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")

let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// An image of the program is built without the tests and what they alone need.
let hasTests = Context.environment["TASQ_ONLY"] != "none"

/// The tests of a module; every one may start private servers.
func test(_ module: String, _ more: Target.Dependency...) -> Target {
    .testTarget(
        name: module + "Tests",
        dependencies: [.byName(name: module), "TasqTesting", "TestSizes"] + more
            + (module == "Tasq" ? [] : ["Tasq"]))
}

let package = Package(
    name: "tasq",
    products: [
        .executable(name: "tasq", targets: ["TasqCLI"]),
        .executable(name: "tasq-chaos", targets: ["TasqChaos"]),
        .executable(name: "ReceiptExample", targets: ["ReceiptExample"]),
        .library(name: "Tasq", targets: ["Tasq"]),
        .library(name: "TasqPostgres", targets: ["TasqPostgres"]),
        .library(name: "TasqRedis", targets: ["TasqRedis"]),
        .library(name: "TasqWebhooks", targets: ["TasqWebhooks"]),
        .library(name: "TasqHTTP", targets: ["TasqHTTP"]),
        .library(name: "TasqTesting", targets: ["TasqTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        .package(
            url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        .systemLibrary(
            name: "CPostgres", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(
            name: "CHiredis", pkgConfig: "hiredis",
            providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CAllocator"),
        .target(name: "CEmbedded"),
        .target(
            name: "Tasq",
            dependencies: ["CEmbedded", logging, lifecycle, collections, tracing, metrics]),
        .target(
            name: "TasqPostgres", dependencies: ["Tasq", "CPostgres", logging, collections],
            exclude: ["SQL"]),
        .target(name: "TasqTLS", dependencies: ["CCrypto", nioCore]),
        .target(
            name: "TasqRedis",
            dependencies: [
                "Tasq", "TasqTLS", "CHiredis", logging, collections, nioCore, nioPosix,
            ]),
        .target(
            name: "TasqWebhooks",
            dependencies: [
                "Tasq", "TasqTLS", "CCrypto", "CZlib", logging, nioCore, nioPosix, nioHTTP1,
            ]),
        .target(
            name: "TasqHTTP",
            dependencies: [
                "Tasq", "TasqTLS", "TasqWebhooks", logging, lifecycle, nioCore, nioPosix,
                nioHTTP1,
            ],
            exclude: [
                "OpenAPI/openapi.yaml", "Dashboard/dashboard.css", "Dashboard/dashboard.js",
            ]),
        .target(name: "TasqTesting", dependencies: ["Tasq", logging]),
        .executableTarget(
            name: "TasqCLI",
            dependencies: [
                "Tasq", "TasqTLS", "TasqPostgres", "TasqRedis", "TasqWebhooks", "TasqHTTP",
                "TasqTesting", "CAllocator", logging, lifecycle, tracing, nioCore,
                nioHTTP1,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                subprocess, systemPackage,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["Bench/Floors"]),
        .executableTarget(
            name: "TasqChaos",
            dependencies: [
                "Tasq", "TasqPostgres", "TasqRedis", "TasqWebhooks", "TasqHTTP", "TasqTesting",
                logging, lifecycle, unixSignals, nioCore, nioPosix, nioHTTP1, systemPackage,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.embedInCode("Rig/SQL"), .embedInCode("Check/SQL")]),
        .executableTarget(
            name: "ReceiptExample", dependencies: ["Tasq", "TasqPostgres", "TasqRedis", logging]),
        .target(name: "TasqModel", path: "Tests/TasqModel"),
        .target(
            name: "TestSizes", dependencies: ["TasqTesting", "TasqPostgres"],
            path: "Tests/TestSizes"),
        .testTarget(name: "ModelTests", dependencies: ["TasqModel", "TestSizes"]),
        test("Tasq", logging, tracing, metrics, metricsTestKit),
        test("TasqPostgres", "TasqModel", "CPostgres", logging),
        test("TasqTLS", "CCrypto", nioCore, nioPosix, nioEmbedded),
        test("TasqRedis", logging, nioCore, nioPosix),
        test(
            "TasqWebhooks", logging, lifecycle, nioCore, nioPosix, nioHTTP1,
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird")),
        test(
            "TasqHTTP", "TasqTLS", "TasqWebhooks", "TasqPostgres", "TasqRedis", logging,
            lifecycle, nioCore, nioPosix, nioEmbedded, nioHTTP1),
        .testTarget(
            name: "TasqTestingTests",
            dependencies: ["TasqTesting", "TestSizes", "Tasq", "TasqPostgres", logging]),
        test(
            "TasqCLI", "TasqPostgres", "TasqRedis", "TasqWebhooks", logging, lifecycle, nioCore,
            nioHTTP1,
            .product(name: "Subprocess", package: "swift-subprocess"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "Yams", package: "Yams")),
        test("TasqChaos", "TasqPostgres", logging, nioCore, nioPosix),
        .testTarget(
            name: "ReliabilityTests",
            dependencies: [
                "Tasq", "TasqPostgres", "TasqRedis", "TasqTesting", "TasqWebhooks", "TasqHTTP",
                "TestSizes", logging, lifecycle, tracing, metrics, metricsTestKit, nioCore,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                nioHTTP1,
            ]),
    ],
    swiftLanguageModes: [.v6]
)

if hasTests {
    package.dependencies += [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ]
} else {
    package.targets.removeAll { $0.isTest || $0.path?.hasPrefix("Tests/") == true }
}

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}
