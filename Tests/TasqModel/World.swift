/// A scope with a name.
package struct World: Sendable, CustomStringConvertible {
    package let description: String
    package let scope: Scope

    package init(_ name: String, _ change: (inout Scope) -> Void) {
        description = name
        var scope = Scope()
        change(&scope)
        self.scope = scope
    }
}
