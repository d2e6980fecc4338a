-- What bots do and what goes wrong in them, and what their dependencies answered.

CREATE TABLE activity (
    id          BIGINT NOT NULL,
    bot_id      BIGINT  NOT NULL,
    instance_id BIGINT  NOT NULL,
    occurred_at BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    action      TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    severity    TEXT    NOT NULL CHECK (severity IN ('debug', 'info', 'warning', 'error', 'critical')),
    status      TEXT    NOT NULL,
    entity_type TEXT,
    entity_id   TEXT,
    user_id     TEXT COLLATE "C",
    duration_ms BIGINT,
    details     JSONB,
    PRIMARY KEY (bot_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE activity_default PARTITION OF activity DEFAULT;
CREATE INDEX activity_id ON activity (id);
CREATE INDEX activity_action ON activity (bot_id, action, occurred_at);
CREATE INDEX activity_category ON activity (bot_id, category, occurred_at);
CREATE INDEX activity_status ON activity (bot_id, status, occurred_at);
-- Most activities are of no user and no entity.
CREATE INDEX activity_entity ON activity (bot_id, entity_type, entity_id, occurred_at)
    WHERE entity_id IS NOT NULL;
CREATE INDEX activity_user ON activity (bot_id, user_id, occurred_at) WHERE user_id IS NOT NULL;

CREATE TABLE check_result (
    id          BIGINT NOT NULL,
    bot_id      BIGINT  NOT NULL,
    instance_id BIGINT  NOT NULL,
    occurred_at BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('ok', 'warn', 'fail', 'unknown')),
    latency_ms  DOUBLE PRECISION,
    message     TEXT,
    PRIMARY KEY (bot_id, id)
);
CREATE INDEX check_result_id ON check_result (id);
CREATE INDEX check_result_name ON check_result (bot_id, name, id);
