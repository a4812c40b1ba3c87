-- LIMIT without an order stops the reading.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);

INSERT INTO t (a) VALUES (1), (2), (3), (4), (5);

SELECT a FROM t LIMIT 2;

SELECT a FROM t LIMIT 0;

SELECT a FROM t ORDER BY a DESC LIMIT 2 OFFSET 1;
