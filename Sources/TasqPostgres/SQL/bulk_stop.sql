-- Calls a bulk action off, if it runs. Its holder notices when it writes down the next page.
--
--   $1 uuid  its id
UPDATE tasq.bulk AS b
SET state = 'cancelled', finished_at = now(), updated_at = now()
WHERE b.id = $1::uuid AND b.state IN ('running', 'going')
