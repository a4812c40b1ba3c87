-- What the predicates on partition and offset exclude is not read.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 3);

INSERT INTO t (_partition, a) VALUES (0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 6);

SELECT a FROM t WHERE _partition = 1 ORDER BY a;
--@ receipt

SELECT a FROM t WHERE _partition IN (0, 2) AND _offset >= 1 ORDER BY a;
--@ receipt

SELECT a FROM t WHERE _partition = 0 AND _offset BETWEEN 1 AND 1;
--@ receipt

SELECT a FROM t WHERE _partition = 7;
--@ receipt

SELECT a FROM t WHERE _partition = 0 OR a = 6 ORDER BY a;
--@ receipt
