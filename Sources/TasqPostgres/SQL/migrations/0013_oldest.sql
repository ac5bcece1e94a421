-- Which programs may work on the schema as each migration leaves it.
--
-- A program goes by the number of the newest migration it knows. The oldest that may work is the
-- greatest of all rows; a row that does not say stands for itself, so whoever does not know it may not.
ALTER TABLE tasq.schema_version ADD COLUMN oldest integer CHECK (oldest BETWEEN 1 AND number);
