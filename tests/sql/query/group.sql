-- Aggregates, HAVING, GROUPING SETS and the empty topic.
CREATE STREAM t (g VARCHAR, n DECIMAL(6, 2)) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);

SELECT count(*) AS n, sum(n) AS s FROM t;
--@ receipt

SELECT * FROM t;

INSERT INTO t (_partition, g, n) VALUES (0, 'a', 1.25), (1, 'a', 2.50), (0, 'b', 4), (1, NULL, 8);

SELECT g, count(*) AS c, sum(n) AS s, min(n) AS low, max(n) AS high FROM t GROUP BY g ORDER BY g NULLS FIRST;

SELECT g, sum(n) AS s FROM t GROUP BY g HAVING count(*) > 1;

SELECT g, sum(n) AS s FROM t WHERE g IS NOT NULL GROUP BY ROLLUP (g) ORDER BY s;
