-- Every version of the policies and of the configuration, by its digest, and which of each is in force.
CREATE TABLE version (
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    loaded_at BIGINT NOT NULL,
    PRIMARY KEY (kind, digest)
);
CREATE TABLE active_version (
    kind TEXT PRIMARY KEY,
    digest TEXT NOT NULL
);
