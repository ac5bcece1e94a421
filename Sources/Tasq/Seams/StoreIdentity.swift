/// Which database a store is, so that a doorbell can tell whose it is.
public struct StoreIdentity: Sendable, Hashable {
    /// The deployment's mark, made once with the schema; a copy of a database has the same.
    public let epoch: String
    /// What tells a copy apart within its cluster: digits, letters, `-` and `.`.
    public let place: String
    /// The number of the cluster; empty where it cannot be read. Like ``place``, no secret.
    public let system: String
    /// For people: the database and its schema, as in `orders/tasq`. At most 128 characters, none
    /// of them a control character.
    public let name: String

    /// Makes an identity; a name is cut and cleaned.
    public init(epoch: String, place: String, system: String, name: some StringProtocol) {
        self.epoch = epoch
        self.place = place
        self.system = system
        self.name = Self.printable(name)
    }

    /// The first 128 characters that are none of control.
    static func printable(_ text: some StringProtocol) -> String {
        let scalars = text.unicodeScalars.prefix(128).filter {
            $0.properties.generalCategory != .control
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Whether both are the same database, whatever it is called now. Where one of them could not
    /// read the number of its cluster, the rest decides.
    func isSame(as other: StoreIdentity) -> Bool {
        epoch == other.epoch && place == other.place
            && (system == other.system || system.isEmpty || other.system.isEmpty)
    }
}
