-- Sign-in sessions of people. The secret is in a cookie alone; here is its digest. What ended stays for a while.
CREATE TABLE sign_in_session (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    digest {blob} NOT NULL,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    address TEXT,
    ended_at BIGINT
);

CREATE UNIQUE INDEX sign_in_session_digest ON sign_in_session (digest);
CREATE INDEX sign_in_session_user ON sign_in_session (user_id, id);
CREATE INDEX sign_in_session_ends ON sign_in_session (ends_at);

-- A signed-in person reports deployments without a token: a token is kept as a negative number from now on, a person as a positive one.
UPDATE deployment SET reported_by = -reported_by;
