public import Tasq

/// The kind of the jobs that events become: a name, or one with the event's type in it, as in
/// `github.{type}`.
public struct KindTemplate: Sendable, Hashable {
    /// What stands for the event's type.
    public static let placeholder = "{type}"
    /// What stands in its place when the event has no type, or one too long for a kind.
    public static let fallback = "other"

    private let head: String
    /// What follows the type; `nil`: the kind is the same for every type.
    private let tail: String?

    /// The same kind for every event.
    public init(_ kind: Name) {
        head = kind.description
        tail = nil
    }

    /// Throws `InvalidInput` naming `field` for a text that makes no kind, or that begins with the
    /// type: its sender could then name every kind there is.
    public init(_ text: String, field: String = "kind") throws(InvalidInput) {
        guard let place = text.firstRange(of: Self.placeholder) else {
            head = try Name(text, field: field).description
            tail = nil
            return
        }
        let before = String(text[..<place.lowerBound])
        let after = String(text[place.upperBound...])
        guard !before.isEmpty else {
            throw InvalidInput(
                field: field,
                "must begin with a text of its own, as in github.{type}: "
                    + "its sender could name any kind")
        }
        guard (try? Name(before + Self.fallback + after)) != nil else {
            throw InvalidInput(
                field: field,
                "must be up to 100 of the characters A-Z a-z 0-9 _ . : -, and {type} at most once")
        }
        head = before
        tail = after
    }

    /// Whether the event's type is a part of the kind.
    public var isByType: Bool { tail != nil }

    /// The kind of an event of this type; never fails.
    ///
    /// What no kind may hold becomes `_`, byte by byte: `orders/create` is `orders_create`, and two
    /// types can become one. ``fallback`` stands for none, and for one that is too long.
    public func kind(for type: String?) -> Name {
        guard let tail else { return Name(unchecked: head) }
        return typed(type) ?? Name(unchecked: head + Self.fallback + tail)
    }

    /// Whether the kind of an event of this type is the one without a type.
    package func lacksType(_ type: String?) -> Bool {
        isByType && typed(type) == nil
    }

    private func typed(_ type: String?) -> Name? {
        guard let tail, let type, !type.isEmpty else { return nil }
        return try? Name(head + Name.part(of: type) + tail)
    }
}

extension KindTemplate: CustomStringConvertible {
    /// The text it is read from.
    public var description: String {
        tail.map { head + Self.placeholder + $0 } ?? head
    }
}
