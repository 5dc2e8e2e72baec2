-- Rotation with overlap: the secret before, while it is good too. All empty outside an overlap, where they cost
-- nothing. `awaits_first_use`: the present secret came with an overlap and was not used yet.

ALTER TABLE token ADD COLUMN previous_digest {blob};
ALTER TABLE token ADD COLUMN previous_pepper_id BIGINT;
ALTER TABLE token ADD COLUMN previous_hint {text};
ALTER TABLE token ADD COLUMN previous_ends_at BIGINT;
ALTER TABLE token ADD COLUMN previous_until_first_use BOOLEAN;
ALTER TABLE token ADD COLUMN previous_last_used_at BIGINT;
ALTER TABLE token ADD COLUMN previous_last_used_address TEXT;
ALTER TABLE token ADD COLUMN awaits_first_use BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX token_previous ON token (previous_ends_at) WHERE previous_ends_at IS NOT NULL;
