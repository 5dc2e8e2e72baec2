-- On which conditions a token is accepted (networks, rate limit, quota, whether it may stand in an address), as JSON; how often all
-- tokens of a person together are; and what was spent of quotas, which changes far more often than the tokens do.

ALTER TABLE token ADD COLUMN terms TEXT;
ALTER TABLE token ADD COLUMN last_used_in TEXT;
ALTER TABLE user_account ADD COLUMN rate_limit TEXT;

CREATE TABLE token_spending (
    token_id BIGINT PRIMARY KEY REFERENCES token (id) ON DELETE CASCADE,
    period BIGINT NOT NULL,
    credits BIGINT NOT NULL
);
