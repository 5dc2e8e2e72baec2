-- Reminders: what was noticed of the ends of tokens, who is told of it, and how the telling went; calendar feeds.

-- What a scan for ends reads. Tokens that were revoked, or never end, are not in it.
CREATE INDEX token_end ON token (expires_at, id) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

CREATE TABLE webhook (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    team_id BIGINT REFERENCES team (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    events TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    disabled_at BIGINT,
    disabled_reason TEXT,
    -- Sealed under a key that is not in the database.
    secret {blob} NOT NULL,
    previous_secret {blob},
    previous_until BIGINT
);

CREATE INDEX webhook_org ON webhook (org_id, id);
CREATE INDEX webhook_team ON webhook (team_id);

-- Each kind of notice once for each end of a token: the key decides, whoever comes.
CREATE TABLE notice (
    token_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    kind {text} NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (token_id, expires_at, kind)
);

CREATE INDEX notice_made ON notice (made_at);

-- How far the scan for each threshold has come, in the order of (expires_at, id).
CREATE TABLE notice_mark (
    kind TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    token_id BIGINT NOT NULL
);

-- One message for one recipient: a webhook, or a person by mail. A try that is under way has its next one already set, for the case
-- that nobody comes back from it.
CREATE TABLE delivery (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    webhook_id BIGINT REFERENCES webhook (id),
    user_id BIGINT REFERENCES user_account (id),
    token_id BIGINT,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_attempt_at BIGINT,
    last_attempt_at BIGINT,
    last_status BIGINT,
    last_error TEXT,
    message TEXT NOT NULL
);

CREATE INDEX delivery_due ON delivery (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_webhook ON delivery (webhook_id, id);

CREATE TABLE calendar_feed (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    created_by BIGINT NOT NULL,
    token_id BIGINT,
    created_at BIGINT NOT NULL,
    digest {blob} NOT NULL
);

CREATE UNIQUE INDEX calendar_feed_digest ON calendar_feed (digest);
CREATE INDEX calendar_feed_org ON calendar_feed (org_id, id);
