/// What scripts and senders of webhooks go by, each with the test that tries it.
extension Interface {
    static let exitCodes: [Int: Trial] = [
        0: Trial(
            "TasqCLITests/WorkTests",
            "A server prints its addresses, serves, and SIGTERM ends it with 0"),
        1: Trial("TasqCLITests/VerifyTests", "A violation planted in the tables is found"),
        64: Trial("TasqCLITests/ProgramTests", "A usage error exits 64 with one line"),
        65: Trial(
            "TasqCLITests/EnqueueTests", "A payload that is not JSON exits 65 without a row"),
        69: Trial(
            "TasqCLITests/ProgramTests",
            "A database that is not there exits 69 and names its address"),
        70: Trial(
            "TasqCLITests/BadInput/StreamTests",
            "Standard streams may be closed, full or no files at all"),
        75: Trial(
            "TasqCLITests/FlagTests",
            "What somebody's open transaction holds is busy, 75, and goes on when it is over"),
        77: Trial(
            "TasqCLITests/Secured/SecuredTests",
            "A wrong password exits 77, is tried once by each, and is not repeated"),
        78: Trial(
            "TasqCLITests/ProgramTests",
            "A database without the schema exits 78 and says to migrate"),
    ]

    /// Statuses of `POST /in/{source}`.
    static let ingestAnswers: [Int: Trial] = [
        200: Trial(
            "TasqHTTPTests/IngestTests",
            "A second delivery is a duplicate, answered with the first one's id"),
        202: Trial(
            "TasqHTTPTests/IngestTests",
            "A signed event is answered with 202 once it and its job are committed"),
        400: broken, 431: broken,
        401: Trial(
            "TasqHTTPTests/IngestTests",
            "Every cause of a refusal gives the same 401, and no row"),
        404: elsewhere, 405: elsewhere,
        408: Trial(
            "TasqCLITests/BadInput/BodyTests",
            "A body without an end is cut by its size or by its time, and is not held"),
        413: Trial(
            "TasqHTTPTests/IngestTests",
            "A body over the limit is refused in either framing, and makes no row"),
        415: Trial(
            "TasqHTTPTests/IngestTests", "An encoded body is refused, an identity one is not"),
        429: Trial(
            "TasqHTTPTests/LimitTests",
            "A webhook for a full queue is 429 with Retry-After, so that it is sent again"),
        503: Trial(
            "TasqHTTPTests/IngestTests",
            "Without PostgreSQL it is 503 with Retry-After, and 202 again afterwards"),
    ]

    private static let broken = Trial(
        "TasqHTTPTests/IngestTests",
        "What is no request is refused without a row, and the next delivery is taken")
    private static let elsewhere = Trial(
        "TasqHTTPTests/IngestTests", "Only POST to a known source is served")
}
