package import Logging

extension Queue {
    /// A desk for remote workers on the queue's store, counting with the queue's meters.
    package func desk(
        catalog: any Catalog, announcer: any Announcer, logger: Logger
    ) -> ClaimDesk {
        ClaimDesk(
            store: store, catalog: catalog, announcer: announcer, meters: meters, logger: logger)
    }
}
