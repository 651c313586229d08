-- Lists are read in pages, and their numbers from an index.
CREATE INDEX agent_grant_newest ON agent_grant (created_at DESC, id) WHERE ended_at IS NULL;
CREATE INDEX agent_grant_standing ON agent_grant (server, scopes, not_after) WHERE ended_at IS NULL;
DROP INDEX agent_grant_person;
CREATE INDEX agent_grant_person ON agent_grant (person, agent) WHERE ended_at IS NULL;
CREATE INDEX elevation_live ON elevation (requested_at, id) WHERE state = 'active';
CREATE INDEX elevation_requested ON elevation (requested_at, id) WHERE state = 'requested';
