-- What servers say of their tools and prompts: each text once, by its digest; what each name means, and what was accepted.
CREATE TABLE definition (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL
);
CREATE TABLE catalogue_server (
    server TEXT PRIMARY KEY,
    first_listed_at BIGINT NOT NULL
);
CREATE TABLE catalogue_entry (
    server TEXT NOT NULL,
    name TEXT NOT NULL,
    shape TEXT NOT NULL,
    seen TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    accepted TEXT,
    accepted_at BIGINT,
    accepted_by TEXT,
    PRIMARY KEY (server, name)
);
CREATE INDEX catalogue_entry_held ON catalogue_entry (server, name) WHERE accepted IS NULL OR accepted <> seen;
CREATE INDEX catalogue_entry_shape ON catalogue_entry (server, shape);
CREATE TABLE catalogue_version (value BIGINT NOT NULL);
INSERT INTO catalogue_version (value) VALUES (0);
