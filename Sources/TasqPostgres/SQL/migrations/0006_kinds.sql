-- A worker tells which kinds it has handlers for, and claims no others.
--
-- Without that, of 400 jobs of two kinds on two workers that knew one each, 249 ended in `error`: each
-- worker claimed whatever came and failed what it did not know. Patterns as LIKE reads them; null, as
-- older programs leave it, means every kind.
ALTER TABLE tasq.worker ADD COLUMN kinds text[];
