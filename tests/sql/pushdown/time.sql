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
--> error: the statement's task failed unexpectedly
--> hint: this is a defect in weir; please report it with the statement

SELECT a FROM t WHERE _timestamp >= TIMESTAMP '2026-01-01 00:00:02Z' AND _timestamp < TIMESTAMP '2026-01-01 00:00:04Z' ORDER BY a;
--@ receipt
--> error: the statement's task failed unexpectedly
--> hint: this is a defect in weir; please report it with the statement

SELECT a FROM t WHERE _timestamp > now() ORDER BY a;
--@ receipt
--> error: Internal error: invoke should not be called on a simplified now() function.
--> This issue was likely caused by a bug in DataFusion's code. Please help us to resolve this by filing a bug report in our issue tracker: https://github.com/apache/datafusion/issues
