-- EXPLAIN shows what a scan reads and decodes.
CREATE STREAM t (a INT, b VARCHAR, c STRUCT<d INT, e INT>) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);

INSERT INTO t (_partition, a) VALUES (0, 1), (1, 2);

EXPLAIN SELECT count(*) FROM t;

EXPLAIN SELECT a FROM t WHERE _partition = 1 AND b = 'x';

EXPLAIN SELECT c.d FROM t WHERE _key = 'x' LIMIT 1;

EXPLAIN SELECT a FROM t LAST 5;
