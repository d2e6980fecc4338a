-- SQLite parts its index of messages. PostgreSQL's has parts already, by month.

SELECT 1;
