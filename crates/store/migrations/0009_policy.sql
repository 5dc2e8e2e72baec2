-- The policy of an organization (JSON; absent = the default), and why a token was made, where that had to be said.

CREATE TABLE policy (
    org_id BIGINT PRIMARY KEY REFERENCES organization (id),
    body TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

ALTER TABLE token ADD COLUMN reason TEXT;
