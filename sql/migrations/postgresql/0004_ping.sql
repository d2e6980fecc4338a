-- The keys of jobs that report by an address.

ALTER TABLE token
    ADD COLUMN period_s BIGINT,
    ADD COLUMN grace_s  BIGINT,
    DROP CONSTRAINT token_scope_check,
    DROP CONSTRAINT token_check,
    ADD CONSTRAINT token_scope_check CHECK (scope IN ('ingest', 'read', 'ping')),
    ADD CONSTRAINT token_bot_check CHECK (scope = 'read' OR bot_id IS NOT NULL),
    ADD CONSTRAINT token_period_check
        CHECK (scope <> 'ping' OR (period_s IS NOT NULL AND period_s > 0 AND grace_s IS NOT NULL AND grace_s > 0));
