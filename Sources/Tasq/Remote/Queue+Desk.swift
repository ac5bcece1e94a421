package import Logging

extension Queue {
    /// A desk for remote workers on the queue's store, counting with the queue's meters. While it holds
    /// the maintenance term it prunes by `retention`.
    package func desk(
        catalog: any Catalog, announcer: any Announcer, retention: Retention = .forever,
        logger: Logger
    ) -> ClaimDesk {
        ClaimDesk(
            store: store, catalog: catalog, announcer: announcer, meters: meters, logger: logger,
            retention: retention)
    }
}
