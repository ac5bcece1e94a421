import Tasq

/// One line of the doctor's: what was looked at, how it stands, and what to do.
struct Diagnosis: Sendable {
    enum State: String, Sendable {
        case ok, warn, fail

        var style: Style {
            switch self {
            case .ok: .good
            case .warn: .busy
            case .fail: .bad
            }
        }
    }

    let name: String
    let state: State
    let text: String
    /// What to do; `nil` when there is nothing.
    let mend: String?

    static func ok(_ name: String, _ text: String) -> Diagnosis {
        Diagnosis(name: name, state: .ok, text: text, mend: nil)
    }

    static func warn(_ name: String, _ text: String, _ mend: String) -> Diagnosis {
        Diagnosis(name: name, state: .warn, text: text, mend: mend)
    }

    static func fail(_ name: String, _ text: String, _ mend: String?) -> Diagnosis {
        Diagnosis(name: name, state: .fail, text: text, mend: mend)
    }
}
