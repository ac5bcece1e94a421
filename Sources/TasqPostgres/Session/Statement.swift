/// One statement: the text of one `.sql` file.
package struct Statement: Sendable, Hashable {
    /// Under this name the server keeps it prepared; two different texts need two names.
    package let name: String
    /// The SQL, with the configured schema's name in place; never with a value in it.
    package let text: String
    /// Planned for the values of each call, because which index serves depends on which filters
    /// are set. Other statements are planned once a session: planning a claim takes as long as
    /// running it.
    package let isPlannedAnew: Bool

    package init(name: String, text: String, isPlannedAnew: Bool = false) {
        self.name = name
        self.text = text
        self.isPlannedAnew = isPlannedAnew
    }
}
