-- Names this database anew, if the row that does is gone.
--
-- Redis bears another name then, so the reconciler announces everything again.
INSERT INTO tasq.setting (name, value)
VALUES ('epoch', gen_random_uuid()::text)
ON CONFLICT (name) DO NOTHING
