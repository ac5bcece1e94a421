import FoundationEssentials
import TasqPostgres

/// The maintenance term for whoever asks for it, so that several lead at once, which must do no
/// harm: each of them reaps, promotes, fires schedules and announces anew.
enum SharedTerm {
    /// The statement that is changed for it.
    static let statement = "tasq_lead"

    /// The statement as it is then; itself where it is another.
    static func edit(_ statement: Statement) -> Statement {
        guard statement.name == Self.statement else { return statement }
        let condition = "    WHERE l.holder = EXCLUDED.holder\n"
        precondition(statement.text.contains(condition), "the condition of the term has changed")
        return Statement(
            name: statement.name,
            text: statement.text.replacing(
                condition, with: "    WHERE TRUE\n        OR l.holder = EXCLUDED.holder\n"),
            isPlannedAnew: statement.isPlannedAnew)
    }
}
