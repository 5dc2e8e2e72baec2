-- Roles on resources: roles and kinds of an organization, and what tokens and people were assigned (JSON; absent = nothing).

CREATE TABLE role (
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name {text} NOT NULL,
    description {text} NOT NULL,
    cells {text} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, name)
);

CREATE TABLE resource_kind (
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name {text} NOT NULL,
    description {text} NOT NULL,
    actions {text} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, name)
);

ALTER TABLE token ADD COLUMN roles TEXT;
ALTER TABLE user_account ADD COLUMN roles TEXT;
