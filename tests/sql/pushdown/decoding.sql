-- Values are decoded only where a column of them is needed, after the filters on keys and metadata.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);

INSERT INTO t (_key, _partition, a, b) VALUES ('x', 0, 1, 'one'), ('y', 0, 2, 'two'), ('x', 1, 3, 'three'), ('z', 1, 4, 'four');

SELECT count(*) AS n FROM t;
--@ receipt

SELECT _key, count(*) AS n FROM t GROUP BY _key ORDER BY _key;
--@ receipt

SELECT a FROM t WHERE _key = 'x' ORDER BY a;
--@ receipt

SELECT a FROM t WHERE _key = 'x' AND b = 'three';
--@ receipt

SELECT sum(a) AS s FROM t;
--@ receipt

SELECT count(*) AS n FROM t WHERE _key = 'nobody';
--@ receipt
