-- Which lists of a server were seen whole, each for itself: since when, and with how much in it.
CREATE TABLE catalogue_list (
    server TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_listed_at BIGINT NOT NULL,
    items BIGINT NOT NULL,
    PRIMARY KEY (server, kind)
);
INSERT INTO catalogue_list (server, kind, first_listed_at, items)
    SELECT s.server, 'tools', s.first_listed_at,
        (SELECT COUNT(*) FROM catalogue_entry e WHERE e.server = s.server AND e.name LIKE '.%')
    FROM catalogue_server s;
INSERT INTO catalogue_list (server, kind, first_listed_at, items)
    SELECT s.server, 'prompts', s.first_listed_at,
        (SELECT COUNT(*) FROM catalogue_entry e WHERE e.server = s.server AND e.name LIKE ':prompt/%')
    FROM catalogue_server s;
DROP TABLE catalogue_server;
