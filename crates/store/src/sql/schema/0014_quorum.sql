-- How many people must approve an elevation and who has, as JSON; NULL when one is enough. By person, whoever it rests on: a
-- block on any of them ends it.
ALTER TABLE elevation ADD COLUMN quorum TEXT;
CREATE TABLE elevation_approver (
    elevation TEXT NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (elevation, person)
);
CREATE INDEX elevation_approver_person ON elevation_approver (person);
