-- A lower bound of time is looked up; an upper bound must not lose records that came late.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t (a, _timestamp) VALUES (1, '2026-01-01T00:00:01Z');
--> inserted 1 record

INSERT INTO t (a, _timestamp) VALUES (2, '2026-01-01T00:00:02Z');
--> inserted 1 record

INSERT INTO t (a, _timestamp) VALUES (3, '2026-01-01T00:00:05Z');
--> inserted 1 record

INSERT INTO t (a, _timestamp) VALUES (4, '2026-01-01T00:00:03Z');
--> inserted 1 record

SELECT a FROM t WHERE _timestamp >= '2026-01-01T00:00:04Z' ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   3 │
--> └─────┘
--> receipt: 1 rows
--> receipt: t: scanned 2 of 4, partitions 1 of 1, decoded 1

SELECT a FROM t WHERE _timestamp >= TIMESTAMP '2026-01-01 00:00:02Z' AND _timestamp < TIMESTAMP '2026-01-01 00:00:04Z' ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> │   4 │
--> └─────┘
--> receipt: 2 rows
--> receipt: t: scanned 3 of 4, partitions 1 of 1, decoded 2

SELECT a FROM t WHERE _timestamp > now() ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> └─────┘
--> receipt: 0 rows
--> receipt: t: scanned 0 of 4, partitions 0 of 1, decoded 0
