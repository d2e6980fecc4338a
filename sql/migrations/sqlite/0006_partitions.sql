-- What PostgreSQL gets beside its parts by month.

CREATE INDEX activity_category_status ON activity (bot_id, category, status, occurred_at);
