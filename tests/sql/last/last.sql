-- LAST n is the newest n records of the topic by time, over all partitions.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--> created stream t, topic t made with 2 partitions

INSERT INTO t (_partition, a, _timestamp) VALUES
  (0, 1, '2026-01-01T00:00:01Z'), (0, 2, '2026-01-01T00:00:04Z'), (0, 3, '2026-01-01T00:00:06Z'),
  (1, 4, '2026-01-01T00:00:02Z'), (1, 5, '2026-01-01T00:00:05Z'), (1, 6, '2026-01-01T00:00:07Z');
--> inserted 6 records

SELECT a FROM t LAST 3 ORDER BY a;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   3 │
--> │   5 │
--> │   6 │
--> └─────┘

SELECT x.a FROM t AS x LAST 1;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   6 │
--> └─────┘

SELECT count(*) AS n FROM t LAST 100;
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      6 │
--> └────────┘

SELECT count(*) AS n FROM t LAST 0;
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      0 │
--> └────────┘

SELECT a FROM t LAST 3 WHERE a < 6 ORDER BY a;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   3 │
--> │   5 │
--> └─────┘

SELECT l.a AS new, t.a AS old FROM t LAST 1 AS l JOIN t ON t.a = l.a - 1;
--> ┌─────┬─────┐
--> │ new │ old │
--> │ INT │ INT │
--> ├─────┼─────┤
--> │   6 │   5 │
--> └─────┴─────┘

SELECT * FROM (SELECT 1) LAST 2;
--> error: LAST n follows a topic's name
--> 1 | SELECT * FROM (SELECT 1) LAST 2
-->   |                          ^^^^
--> hint: write FROM topic LAST n, and filter or sort around it
