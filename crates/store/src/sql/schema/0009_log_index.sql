-- Where in the log the records of an agent are: a row for each word, name and block of 64 records, with the time of the
-- newest such record, to the minute. What was recorded before this version is not in it.
CREATE TABLE log_index (
    word TEXT NOT NULL,
    name TEXT NOT NULL,
    block BIGINT NOT NULL,
    newest BIGINT NOT NULL,
    PRIMARY KEY (word, name, block)
);
