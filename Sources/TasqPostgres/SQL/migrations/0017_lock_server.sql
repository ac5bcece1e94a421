-- On which server a worker holds its session lock (beat.sql); null where it holds none.
--
-- A lock that is gone tells that its worker's session has ended only where that server still runs: its
-- end is the end of all locks. Programs of before do not write it, and their workers have their leases.
ALTER TABLE tasq.worker ADD COLUMN lock_server text;
