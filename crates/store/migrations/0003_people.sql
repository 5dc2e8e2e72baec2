-- People: names, passwords, invitations, password resets. No secret is here: passwords are hashed, invitations and resets digested.

ALTER TABLE user_account ADD COLUMN name TEXT;
ALTER TABLE user_account ADD COLUMN name_key {text};

CREATE INDEX user_account_org ON user_account (org_id, id);

CREATE TABLE user_password (
    user_id BIGINT PRIMARY KEY REFERENCES user_account (id),
    hash TEXT NOT NULL,
    pepper_id BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE INDEX user_password_pepper ON user_password (pepper_id);

-- What was used, voided or ran out stays for a while, so that whoever brings it late is told so.
CREATE TABLE password_reset (
    digest {blob} PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE INDEX password_reset_user ON password_reset (user_id);

CREATE TABLE invitation (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    email TEXT NOT NULL,
    email_key {text} NOT NULL,
    role TEXT NOT NULL,
    teams TEXT NOT NULL,
    digest {blob} NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    withdrawn_at BIGINT
);

CREATE UNIQUE INDEX invitation_digest ON invitation (digest);
CREATE INDEX invitation_org ON invitation (org_id, id);
CREATE INDEX invitation_email ON invitation (org_id, email_key);
