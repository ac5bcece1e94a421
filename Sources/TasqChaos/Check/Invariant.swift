/// What must hold of a run, and the SQL that finds where it does not: no row if all is well.
struct Invariant: Sendable {
    /// As in "I3".
    let name: String
    /// What it says, in a few words.
    let title: String
    let sql: String
    /// Whether the figure is one of the nine that stand in every report.
    var figure: String?
    /// Whether it is about how long something takes, which a busy machine can spoil.
    var isTimed = false

    private init(
        _ name: String, _ title: String, _ file: [UInt8], figure: String? = nil,
        isTimed: Bool = false
    ) {
        self.name = name
        self.title = title
        sql = String(decoding: file, as: UTF8.self)
        self.figure = figure
        self.isTimed = isTimed
    }

    /// All that can be seen from the logs and the tables. I19 is the fault `two-reapers`, and any
    /// other with `--all-lead`; I25 is the figure "healed".
    static let all: [Invariant] = [
        Invariant("I0", "evidence", PackageResources.i00_evidence_sql),
        Invariant("I0b", "looks", PackageResources.i00b_looks_sql, isTimed: true),
        Invariant("I1", "no loss", PackageResources.i01_no_loss_sql, figure: "lost"),
        Invariant("I2", "no phantom", PackageResources.i02_no_phantom_sql, figure: "phantom"),
        Invariant("I3", "no overlap", PackageResources.i03_no_overlap_sql, figure: "overlap"),
        Invariant(
            "I3b", "justified death", PackageResources.i03b_justified_death_sql,
            figure: "false death"),
        Invariant("I4", "one final", PackageResources.i04_one_final_sql, figure: "double final"),
        Invariant(
            "I5", "terminal is final", PackageResources.i05_terminal_is_final_sql,
            figure: "after terminal"),
        Invariant(
            "I6", "attempts bounded", PackageResources.i06_attempts_bounded_sql,
            figure: "over attempts"),
        Invariant("I7", "attempt before run", PackageResources.i07_attempt_before_run_sql),
        Invariant("I8", "poison contained", PackageResources.i08_poison_contained_sql),
        Invariant("I9", "no orphan", PackageResources.i09_no_orphan_sql, figure: "orphan"),
        Invariant("I10", "no stuck job", PackageResources.i10_no_stuck_job_sql, isTimed: true),
        Invariant("I11", "never early", PackageResources.i11_never_early_sql),
        Invariant("I12", "order", PackageResources.i12_order_sql),
        Invariant("I13", "conservation", PackageResources.i13_conservation_sql),
        Invariant("I14", "legal transitions", PackageResources.i14_legal_transitions_sql),
        Invariant("I15", "backoff", PackageResources.i15_backoff_sql, isTimed: true),
        Invariant("I16", "unique", PackageResources.i16_unique_sql),
        Invariant("I17", "ticks", PackageResources.i17_ticks_sql),
        Invariant("I18", "cancel truthful", PackageResources.i18_cancel_truthful_sql),
        Invariant("I20", "bounded", PackageResources.i20_bounded_sql, figure: "deadlock"),
        Invariant("I21", "drain", PackageResources.i21_drain_sql, isTimed: true),
        Invariant("I22", "acknowledgement truthful", PackageResources.i22_ack_truthful_sql),
        Invariant("I23", "read your writes", PackageResources.i23_read_your_writes_sql),
        Invariant(
            "I24", "heartbeat isolation", PackageResources.i24_heartbeat_isolation_sql,
            isTimed: true),
        Invariant("I26", "hostile text", PackageResources.i26_hostile_text_sql),
    ]
}
