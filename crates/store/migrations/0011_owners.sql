-- A token that acts as itself is found by its id. Only those of people are looked up by their owner.

DROP INDEX token_owner;
CREATE INDEX token_owner ON token (owner_id) WHERE owner_id <> id;
