PRAGMA application_id=1114337902;
PRAGMA user_version=2;
BEGIN;
CREATE TABLE encryption_key (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, proof BLOB NOT NULL) STRICT;
CREATE TABLE finished (
        seq INTEGER PRIMARY KEY,
        id INTEGER NOT NULL UNIQUE,
        state INTEGER NOT NULL,
        task_name INTEGER NOT NULL,
        queue INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        payload_format INTEGER NOT NULL,
        claims INTEGER NOT NULL,
        uncounted INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        submitted_us INTEGER NOT NULL,
        finished_us INTEGER NOT NULL,
        reason TEXT,
        result BLOB
    , sealed_by INTEGER, result_until_us INTEGER) STRICT;
INSERT INTO finished VALUES (1,6,5,3,4,0,0,1,0,0,1700000000123456,1700000001000000,NULL,x'0100ff',NULL,NULL);
INSERT INTO finished VALUES (2,7,7,3,4,0,0,0,0,0,1700000000123456,1700000001000000,'asked for',NULL,NULL,NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('may_be_plain',1);
INSERT INTO meta VALUES ('next_id',1048577);
INSERT INTO meta VALUES ('touched',1);
INSERT INTO meta VALUES ('unclean',1);
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO name VALUES (1,'names.may-be: ünïcode');
INSERT INTO name VALUES (2,'mails');
INSERT INTO name VALUES (3,'plain');
INSERT INTO name VALUES (4,'default');
CREATE TABLE note (
        id INTEGER PRIMARY KEY,
        finished_us INTEGER,
        failure_type TEXT,
        failure_message TEXT,
        failure_detail TEXT
    ) STRICT;
INSERT INTO note VALUES (3,NULL,'Kind','it''s ''quoted''','line 1
line 2');
INSERT INTO note VALUES (5,1700000001000000,'Kind','it''s ''quoted''','line 1
line 2');
CREATE TABLE paused (queue TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO paused VALUES ('mails');
CREATE TABLE task (
        id INTEGER PRIMARY KEY,
        state INTEGER NOT NULL,
        task_name INTEGER NOT NULL,
        queue INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        payload_format INTEGER NOT NULL,
        claims INTEGER NOT NULL,
        uncounted INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        submitted_us INTEGER NOT NULL,
        run_at_ms INTEGER,
        by_wall INTEGER,
        own BLOB,
        payload BLOB NOT NULL,
        user_context BLOB,
        headers BLOB
    , sealed_by INTEGER) STRICT;
INSERT INTO task VALUES (1,1,1,2,1,1,0,0,0,1700000000123456,1800000000000,1,x'010500000001e80300000000000080ee360000000000143075000000000000',x'000102ff',x'07',x'010001006162',NULL);
INSERT INTO task VALUES (2,2,3,4,0,0,0,0,0,1700000000123456,NULL,NULL,NULL,x'',NULL,NULL,NULL);
INSERT INTO task VALUES (3,1,3,4,0,0,1,0,0,1700000000123456,1750000000000,0,NULL,x'',NULL,NULL,NULL);
INSERT INTO task VALUES (4,4,3,4,0,0,1,0,0,1700000000123456,NULL,NULL,NULL,x'',NULL,NULL,NULL);
INSERT INTO task VALUES (5,6,3,4,0,0,1,0,0,1700000000123456,NULL,NULL,NULL,x'',NULL,NULL,NULL);
CREATE INDEX finished_result ON finished (result_until_us) WHERE result_until_us IS NOT NULL;
CREATE INDEX task_dead ON task (id) WHERE state = 6;
CREATE INDEX task_scheduled ON task (run_at_ms) WHERE state = 1;
CREATE INDEX task_urgent ON task (priority, id) WHERE state = 2 AND priority <> 0;
COMMIT;
