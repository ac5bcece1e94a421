import Testing

@testable import Tasq

@Suite struct IdentifierTests {
    @Test func `Ids are version 7, variant 2, and grow within a process`() {
        let ids = (0..<20_000).map { _ in JobID() }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        for id in ids.prefix(100) {
            let text = Array(id.description)
            #expect(text[14] == "7")
            #expect("89ab".contains(text[19]))
        }
    }

    @Test func `Ids made by many tasks at once never repeat`() async {
        let ids = await withTaskGroup(of: [JobID].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<5000).map { _ in JobID() } }
            }
            return await group.reduce(into: Set<JobID>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 40_000)
    }

    @Test func `An id survives its text in either case`() throws {
        let id = JobID()
        #expect(JobID(id.description) == id)
        #expect(JobID(id.description.uppercased()) == id)
    }

    @Test(arguments: [
        "", "0", "01a20a07-bbbd-7552-ab02-3cdbddd1434", "01a20a07-bbbd-7552-ab02-3cdbddd143444",
        "01a20a07bbbd7552ab023cdbddd14344", "01a20a07-bbbd-7552-ab02-3cdbddd1434g",
        "01a20a07-bbbd-7552-ab023-cdbddd14344", " 1a20a07-bbbd-7552-ab02-3cdbddd14344",
        "٠1a20a07-bbbd-7552-ab02-3cdbddd14344", "01a20a07-bbbd-7552-ab02-3cdbddd14344\n",
    ])
    func `Text that is not an id is refused`(text: String) {
        #expect(JobID(text) == nil)
    }
}
