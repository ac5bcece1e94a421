import TasqTesting
import TestSizes
import Testing

/// What the parser makes of the commands for shells.
@Suite(.medium) struct CompletionTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `There is a completion script for the shell, which takes it`(shell: String) async throws {
        let script = try await TasqProgram.run("--generate-completion-script", shell)
        #expect(script.exit == .code(0))
        for word in ["enqueue", "config", "webhook", "database-url"] {
            #expect(script.output.contains(word), "\(word)")
        }
        // The other shells may not be installed here.
        guard shell == "bash" else { return }
        let file = try TemporaryFile(script.output, name: "tasq.bash")
        let check = try await ChildProcess.start("/bin/bash", ["-n", file.path])
        let exit = try await check.wait()
        #expect(exit == .code(0), "\(check.standardError)")
        let use = try await ChildProcess.start(
            "/bin/bash",
            [
                "-c",
                "source \"$0\"; COMP_WORDS=(tasq en); COMP_CWORD=1; "
                    + "COMP_LINE='tasq en'; COMP_POINT=7; _tasq; printf '%s\\n' \"${COMPREPLY[@]}\"",
                file.path,
            ])
        _ = try await use.wait()
        #expect(use.standardOutput.contains("enqueue"), "\(use.lines)")
    }
}
