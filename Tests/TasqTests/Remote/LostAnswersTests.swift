import Testing

@testable import Tasq

@Suite struct LostAnswersTests {
    @Test func `A worker that lost an answer is known once`() {
        var lost = LostAnswers()
        let worker = WorkerID()
        #expect(lost.take(worker) == false)
        for _ in 0..<2 { lost.note(worker) }
        #expect(lost.take(worker) == true)
        #expect(lost.take(worker) == false)
    }

    @Test func `After thousands that never came back the last ones are known all the same`() {
        var lost = LostAnswers()
        let workers = (0..<3 * LostAnswers.limit).map { _ in WorkerID() }
        for worker in workers { lost.note(worker) }
        var known: [WorkerID] = []
        for worker in workers where lost.take(worker) { known.append(worker) }
        #expect(known == Array(workers.suffix(LostAnswers.limit)))
    }
}
