-- Whose a token is: a person's, the organization's, a team's or a service's (ids of all nouns come from one sequence, so one column
-- holds any of them), and where it may act. Names are unique among a holder's live tokens.

ALTER TABLE token ADD COLUMN holder_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN restrictions TEXT;

UPDATE token SET holder_id = CASE WHEN type = 'personal' THEN owner_id ELSE org_id END;

DROP INDEX token_owner_name;
CREATE INDEX token_holder_name ON token (holder_id, name_key);
CREATE INDEX token_owner ON token (owner_id);
