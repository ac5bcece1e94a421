/// One step of the schema's history: the text of one file `SQL/migrations/NNNN_name.sql`.
package struct Migration: Sendable, Hashable {
    /// Counted from 1, without gaps.
    package let number: Int
    package let name: String
    /// Any number of statements; they run in one transaction of the migrator's.
    ///
    /// What was done before a lock that is not had is undone and done again: one that takes long locks
    /// its tables first.
    package let text: String
    /// The oldest program that works on what this leaves, by the newest migration it knows. Older
    /// ones refuse to.
    package let oldest: Int

    package init(number: Int, name: String, text: String, oldest: Int) {
        self.number = number
        self.name = name
        self.text = text
        self.oldest = oldest
    }
}

extension Migration {
    /// As its file is named, as in `0002_enqueue`.
    package var label: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "_" + name
    }
}
