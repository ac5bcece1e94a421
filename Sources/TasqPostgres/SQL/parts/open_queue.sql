-- A queue whose jobs may be claimed: one that is not paused.
--
--   @queue  its name
@queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
