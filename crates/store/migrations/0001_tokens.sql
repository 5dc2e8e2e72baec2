-- Organizations, people, tokens, their changes, the audit trail, replays, deployments, settings.
-- Portable: BIGINT (ids, microseconds since 1970), TEXT and {blob}; words in braces are explained in src/dialect.rs.

CREATE TABLE organization (
    id {id},
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE user_account (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    email TEXT NOT NULL,
    email_key {text} NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deactivated_at BIGINT,
    UNIQUE (org_id, email_key)
);

-- The long columns stand last, so that a scan for the short ones seldom reads further.
CREATE TABLE token (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    owner_id BIGINT NOT NULL,
    type TEXT NOT NULL,
    digest {blob} NOT NULL,
    pepper_id BIGINT NOT NULL,
    hint {text} NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    regenerated_at BIGINT,
    scopes TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key {text} NOT NULL,
    description TEXT NOT NULL,
    revoked_by TEXT,
    revoke_reason TEXT,
    revoke_note TEXT,
    last_used_address TEXT
);

CREATE UNIQUE INDEX token_digest ON token (digest);
CREATE INDEX token_org ON token (org_id, id);
CREATE INDEX token_owner_name ON token (owner_id, name_key);
CREATE INDEX token_pepper ON token (pepper_id);

-- The feed that other verifiers follow: seq has no gaps.
CREATE TABLE token_change (
    seq {id},
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    ids TEXT NOT NULL
);

CREATE TABLE audit_event (
    seq {id},
    at BIGINT NOT NULL,
    org_id BIGINT NOT NULL,
    actor {text} NOT NULL,
    via TEXT,
    action {text} NOT NULL,
    subject {text} NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT NOT NULL,
    address TEXT,
    hash {blob} NOT NULL
);

CREATE INDEX audit_event_subject ON audit_event (subject, seq);

CREATE TABLE head (
    name TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash {blob} NOT NULL,
    mac {blob} NOT NULL
);

-- Answers that are given again to the same key. Sealed: only the holder of the key can open them.
CREATE TABLE idempotency (
    key_hash {blob} PRIMARY KEY,
    request_hash {blob} NOT NULL,
    token_id BIGINT,
    sealed {blob},
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX idempotency_token ON idempotency (token_id);
CREATE INDEX idempotency_expires ON idempotency (expires_at);

CREATE TABLE deployment (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    service {text} NOT NULL,
    version TEXT NOT NULL,
    ref TEXT,
    environment {text} NOT NULL,
    started_at BIGINT,
    finished_at BIGINT NOT NULL,
    result TEXT NOT NULL,
    reported_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX deployment_org ON deployment (org_id, id);
CREATE INDEX deployment_service ON deployment (org_id, service, environment, id);

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
