import TasqTesting
import TestSizes
import Testing

/// A `DATABASE_URL` that names a standby, beside its primary or alone.
@Suite(.medium) struct StandbyTests {
    @Test func `The primary is found behind its standby, which alone takes no job and is told of`()
        async throws
    {
        let primary = try await PrivatePostgres.start(durable: false)
        let migrate = try await TasqProgram.run(
            "migrate", environment: ["DATABASE_URL": primary.url(database: "postgres")])
        #expect(migrate.exit == .code(0), "\(migrate.errors)")
        let standby = try await PrivatePostgres.start(durable: false, following: primary)
        let hosts = "127.0.0.1:\(standby.port),127.0.0.1:\(primary.port)"
        let both = "postgres://postgres@\(hosts)/postgres?target_session_attrs=read-write"
        let stored = try await TasqProgram.run(
            "enqueue", "noop", environment: ["DATABASE_URL": both])
        #expect(stored.exit == .code(0), "\(stored.errors)")
        try await eventually("the standby has the job") {
            try await standby.execute("SELECT id FROM tasq.job") == stored.output
        }

        let alone = ["DATABASE_URL": standby.url(database: "postgres")]
        let refused = try await TasqProgram.run("enqueue", "noop", environment: alone)
        #expect(refused.exit == .code(69), "\(refused.errors)")
        #expect(refused.errors.contains("the server is read-only"), "\(refused.errors)")
        #expect(refused.errorLines.count == 1 && refused.output.isEmpty)
        let doctor = try await TasqProgram.run("doctor", environment: alone)
        #expect(doctor.exit == .code(1))
        #expect(doctor.output.contains("a standby: nothing can be written"), "\(doctor.output)")
        #expect(doctor.output.contains("add target_session_attrs=read-write"), "\(doctor.output)")
        await standby.stop(.immediate)
        await primary.stop(.immediate)
    }
}
