/// One statement: the text of one `.sql` file.
package struct Statement: Sendable, Hashable {
    /// Under this name the server keeps it prepared; two different texts need two names.
    package let name: String
    /// The SQL, with the configured schema's name in place; never with a value in it.
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
