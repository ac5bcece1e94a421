public import TasqPostgres
import TasqTesting

extension PostgresSettings {
    /// With three times the patience that users have, and more on a slow machine: for a test that
    /// is about something else.
    public var patient: PostgresSettings {
        var settings = self
        settings.patience = (patience * 3).onThisMachine
        settings.connectTimeout = (connectTimeout * 3).onThisMachine
        settings.statementTimeout = (statementTimeout * 3).onThisMachine
        settings.lockTimeout = (lockTimeout * 3).onThisMachine
        settings.idleInTransactionTimeout = (idleInTransactionTimeout * 3).onThisMachine
        return settings
    }
}
