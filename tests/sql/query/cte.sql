-- WITH, also recursive, and a name that hides a topic's.
CREATE STREAM t (a INT, g VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'y');
--> inserted 3 records

WITH sums AS (SELECT g, sum(a) AS s FROM t GROUP BY g) SELECT * FROM sums WHERE s > (SELECT avg(s) FROM sums) - 1 ORDER BY g;
--> ┌─────────┬────────┐
--> │ g       │      s │
--> │ VARCHAR │ BIGINT │
--> ├─────────┼────────┤
--> │ x       │      3 │
--> │ y       │      3 │
--> └─────────┴────────┘

WITH t AS (SELECT 42 AS a) SELECT a FROM t;
--> ┌────────┐
--> │      a │
--> │ BIGINT │
--> ├────────┤
--> │     42 │
--> └────────┘

WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT n.i, t.g FROM n JOIN t ON t.a = n.i ORDER BY i;
--> ┌────────┬─────────┐
--> │      i │ g       │
--> │ BIGINT │ VARCHAR │
--> ├────────┼─────────┤
--> │      1 │ x       │
--> │      2 │ x       │
--> │      3 │ y       │
--> └────────┴─────────┘
