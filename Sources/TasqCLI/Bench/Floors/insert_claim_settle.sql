-- The floor of a steady flow: pgbench inserts a batch, claims as many and settles them, by the scripts of
-- those names.
--
--   :worker  a registered worker's id   :batch  jobs of each statement   :body  the body's text
@insert_many
@claim_settle
