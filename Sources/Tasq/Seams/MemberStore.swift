/// Where workers stand.
public protocol MemberStore: StoreHealth {
    /// Enters a worker; its claims are valid from here on.
    func register(_ worker: WorkerRecord) async throws(StoreError)

    /// Tells which kinds a worker has handlers for, once they were replaced; see
    /// ``WorkerRecord/kinds``. It claims no others from then on.
    func declare(_ kinds: [String], of worker: WorkerID) async throws(StoreError)

    /// Starts the worker's heartbeat on a thread and a connection of its own. After each beat that
    /// was answered it also asks which of the worker's claims were taken away.
    func startHeartbeat(
        of worker: WorkerRecord, watching claims: ClaimWatch,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) -> any Heartbeat

    /// Removes a worker that holds no claim any more. One that still does is left to the reaper.
    func deregister(_ worker: WorkerID) async throws(StoreError)

    /// Enters a remote worker, or with `renewing` also renews one that stands while it holds no claim;
    /// says whether it did. One that holds a claim is neither entered nor renewed: claims are renewed
    /// one by one, by ``renew(_:of:)``. `jobs` are all that were claimed under it, or may have been,
    /// since it was entered or renewed, also before it went away: it holds a claim if it runs one of
    /// these.
    func attend(
        _ worker: WorkerRecord, renewing: Bool, unlessRunning jobs: [JobID]
    ) async throws(StoreError) -> Bool

    /// Renews the remote worker that holds this claim and returns its lease; `nil` when the claim
    /// is gone.
    func renew(_ claim: ClaimToken, of job: JobID) async throws(StoreError) -> Duration?

    /// Removes those of these remote workers that hold no claim and whose heartbeat still stands at
    /// the number at which it was seen silent; returns those that still stand, without their queues.
    /// `jobs` are what was claimed under those that were seen silent, as for
    /// ``attend(_:renewing:unlessRunning:)``.
    func retire(
        _ workers: [WorkerID], silentAt sequences: [WorkerID: Int64], unlessRunning jobs: [JobID]
    ) async throws(StoreError) -> [WorkerSight]
}
