-- Teams and who belongs to them, services, environments, the stages of a release.
-- Names are unique in an organization by their normal form: the index decides, also between two who come at once.

CREATE TABLE team (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    name_key {text} NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org_id, name_key)
);

CREATE TABLE team_member (
    team_id BIGINT NOT NULL REFERENCES team (id),
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    role TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id)
);

CREATE INDEX team_member_user ON team_member (user_id);

CREATE TABLE service (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    team_id BIGINT NOT NULL REFERENCES team (id),
    name TEXT NOT NULL,
    name_key {text} NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org_id, name_key)
);

CREATE INDEX service_team ON service (team_id, name_key);

CREATE TABLE environment (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    name_key {text} NOT NULL,
    is_production BOOLEAN NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org_id, name_key)
);

-- Places are 1, 2, 3, … without a gap. While some are shifted they are negative, and 0 is the place aside.
CREATE TABLE stage (
    id {id},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    environment_id BIGINT NOT NULL REFERENCES environment (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key {text} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org_id, name_key),
    UNIQUE (org_id, position)
);

CREATE INDEX stage_environment ON stage (environment_id);
