-- Aggregates, HAVING, GROUPING SETS and the empty topic.
CREATE STREAM t (g VARCHAR, n DECIMAL(6, 2)) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--> created stream t, topic t made with 2 partitions

SELECT count(*) AS n, sum(n) AS s FROM t;
--@ receipt
--> ┌────────┬───────────────┐
--> │      n │             s │
--> │ BIGINT │ DECIMAL(16,2) │
--> ├────────┼───────────────┤
--> │      0 │          NULL │
--> └────────┴───────────────┘
--> receipt: 1 rows
--> receipt: t: scanned 0 of 0, partitions 0 of 2, decoded 0

SELECT * FROM t;
--> ┌─────────┬──────────────┐
--> │ g       │            n │
--> │ VARCHAR │ DECIMAL(6,2) │
--> ├─────────┼──────────────┤
--> └─────────┴──────────────┘

INSERT INTO t (_partition, g, n) VALUES (0, 'a', 1.25), (1, 'a', 2.50), (0, 'b', 4), (1, NULL, 8);
--> inserted 4 records

SELECT g, count(*) AS c, sum(n) AS s, min(n) AS low, max(n) AS high FROM t GROUP BY g ORDER BY g NULLS FIRST;
--> ┌─────────┬────────┬───────────────┬──────────────┬──────────────┐
--> │ g       │      c │             s │          low │         high │
--> │ VARCHAR │ BIGINT │ DECIMAL(16,2) │ DECIMAL(6,2) │ DECIMAL(6,2) │
--> ├─────────┼────────┼───────────────┼──────────────┼──────────────┤
--> │ NULL    │      1 │          8.00 │         8.00 │         8.00 │
--> │ a       │      2 │          3.75 │         1.25 │         2.50 │
--> │ b       │      1 │          4.00 │         4.00 │         4.00 │
--> └─────────┴────────┴───────────────┴──────────────┴──────────────┘

SELECT g, sum(n) AS s FROM t GROUP BY g HAVING count(*) > 1;
--> ┌─────────┬───────────────┐
--> │ g       │             s │
--> │ VARCHAR │ DECIMAL(16,2) │
--> ├─────────┼───────────────┤
--> │ a       │          3.75 │
--> └─────────┴───────────────┘

SELECT g, sum(n) AS s FROM t WHERE g IS NOT NULL GROUP BY ROLLUP (g) ORDER BY s;
--> ┌─────────┬───────────────┐
--> │ g       │             s │
--> │ VARCHAR │ DECIMAL(16,2) │
--> ├─────────┼───────────────┤
--> │ a       │          3.75 │
--> │ b       │          4.00 │
--> │ NULL    │          7.75 │
--> └─────────┴───────────────┘
