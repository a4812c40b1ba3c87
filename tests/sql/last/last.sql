-- LAST n is the newest n records of the topic by time, over all partitions.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);

INSERT INTO t (_partition, a, _timestamp) VALUES
  (0, 1, '2026-01-01T00:00:01Z'), (0, 2, '2026-01-01T00:00:04Z'), (0, 3, '2026-01-01T00:00:06Z'),
  (1, 4, '2026-01-01T00:00:02Z'), (1, 5, '2026-01-01T00:00:05Z'), (1, 6, '2026-01-01T00:00:07Z');

SELECT a FROM t LAST 3 ORDER BY a;

SELECT x.a FROM t AS x LAST 1;

SELECT count(*) AS n FROM t LAST 100;

SELECT count(*) AS n FROM t LAST 0;

SELECT a FROM t LAST 3 WHERE a < 6 ORDER BY a;

SELECT l.a AS new, t.a AS old FROM t LAST 1 AS l JOIN t ON t.a = l.a - 1;

SELECT * FROM (SELECT 1) LAST 2;
