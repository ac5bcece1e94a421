import TestSizes
import Testing

@testable import TasqModel

/// The statements in every order their steps can come in.
@Suite(.system) struct ExplorerTests {
    @Test(arguments: World.explored)
    func `No order of steps breaks an invariant, deadlocks or leaves a job behind`(
        _ world: World
    ) {
        let start = ContinuousClock.now
        let result = Explorer.explore(world.scope)
        print("model: \(world): \(result), \(ContinuousClock.now - start)")
        #expect(result.violation == nil, "\(result.violation?.description ?? "")")
        #expect(result.states > 1000)
    }

    @Test(arguments: Mistake.all)
    func `A mistake that is put back is found`(_ mistake: Mistake) throws {
        let result = Explorer.explore(mistake.world.scope)
        let violation = try #require(result.violation)
        print("model: \(mistake): \(result)\n\(violation)")
        #expect(violation.rule.contains(mistake.rule), "\(violation)")
    }

    @Test func `What is joined into one step changes nothing that comes of it`() {
        for change in [{ _ in }, { $0.operations = 1 }, { $0.verdicts = [.handedBack] }]
            as [(inout Scope) -> Void]
        {
            let apart = World("apart") { scope in
                change(&scope)
                scope.maxAttempts = 1
                scope.joinsSteps = false
            }
            var joined = apart.scope
            joined.joinsSteps = true
            let (all, some) = (Explorer.explore(apart.scope), Explorer.explore(joined))
            #expect(all.quiet == some.quiet && some.quiet.count > 50)
            #expect(all.states > some.states)
        }
    }
}
