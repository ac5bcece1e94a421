-- Nothing; answers when the server does.
SELECT 1
