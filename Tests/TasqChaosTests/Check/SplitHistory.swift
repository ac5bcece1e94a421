import Testing

/// What became of a job while an old primary lived on, beside one that had taken over, and what is
/// to be found in it.
struct SplitHistory: Sendable, CustomTestStringConvertible {
    let what: String
    /// Run after the good story, in which the old primary lived from the first to the fifteenth
    /// second.
    let change: String
    let invariants: [String]

    var testDescription: String { what }

    private init(_ what: String, _ change: String, finds invariants: [String] = []) {
        self.what = what
        self.change = change
        self.invariants = invariants
    }

    /// The old primary had job 1, and claimed it as 11 and job 7 as 79.
    static let split = """
        INSERT INTO cfg VALUES ('lost_commits', 1), ('asked_old', 1);
        SELECT happened(900, 'standby.lagging', 1, NULL),
            happened(15000, 'primary.fenced', 1, NULL);
        INSERT INTO old_job VALUES (u(1)), (u(7));
        INSERT INTO old_claim VALUES (u(11)), (u(79));

        """

    static let all: [SplitHistory] = [
        SplitHistory("nothing was lost", ""),
        SplitHistory("a job that only the old primary had is gone", without(1)),
        SplitHistory(
            "a job that neither of them has is gone",
            without(1) + "DELETE FROM old_job WHERE job = u(1);", finds: ["I1"]),
        SplitHistory(
            "a job of the new primary's, acknowledged meanwhile, is gone", without(5),
            finds: ["I1"]),
        SplitHistory(
            "a job that was acknowledged before the split is gone",
            without(1) + "UPDATE event SET t = 1500e6 WHERE e = 'standby.lagging';",
            finds: ["I1", "I7"]),
        SplitHistory(
            "a job that was acknowledged after the old primary was stopped is gone",
            without(1) + "UPDATE event SET t = 950e6 WHERE e = 'primary.fenced';",
            finds: ["I1", "I7"]),
        SplitHistory(
            "a run whose claim neither of them has",
            without(1) + "DELETE FROM old_claim WHERE claim = u(11);", finds: ["I7"]),
        SplitHistory(
            "both run a job at once", "SELECT ran(7, 79, 1, 200, 6007, 6009);"),
        SplitHistory(
            "the one runs a job twice at once",
            "SELECT ran(7, 78, 1, 200, 6007, 6009);", finds: ["I3", "I7"]),
        SplitHistory(
            "nobody asked the old primary", "DELETE FROM old_job; DELETE FROM old_claim;",
            finds: ["I0"]),
    ]

    /// The new primary has nothing of a job.
    private static func without(_ job: Int) -> String {
        "DELETE FROM job WHERE job = u(\(job)); DELETE FROM change WHERE job = u(\(job));"
    }
}
