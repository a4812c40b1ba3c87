-- A lower bound of time is looked up; an upper bound must not lose records that came late.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);

INSERT INTO t (a, _timestamp) VALUES (1, '2026-01-01T00:00:01Z');

INSERT INTO t (a, _timestamp) VALUES (2, '2026-01-01T00:00:02Z');

INSERT INTO t (a, _timestamp) VALUES (3, '2026-01-01T00:00:05Z');

INSERT INTO t (a, _timestamp) VALUES (4, '2026-01-01T00:00:03Z');

SELECT a FROM t WHERE _timestamp >= '2026-01-01T00:00:04Z' ORDER BY a;
--@ receipt

SELECT a FROM t WHERE _timestamp >= TIMESTAMP '2026-01-01 00:00:02Z' AND _timestamp < TIMESTAMP '2026-01-01 00:00:04Z' ORDER BY a;
--@ receipt

SELECT a FROM t WHERE _timestamp > now() ORDER BY a;
--@ receipt
