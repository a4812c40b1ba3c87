-- Parameters are values, never text.
CREATE STREAM t (a INT, b VARCHAR, at TIMESTAMP) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t VALUES (1, 'x', '2026-01-01T00:00:00Z'), (2, 'y''; DROP STREAM t; --', '2026-01-08T00:00:00Z');
--> inserted 2 records

SELECT a FROM t WHERE a >= :least ORDER BY a LIMIT :n;
--@ param least INT = 1
--@ param n INT = 1
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   1 │
--> └─────┘

SELECT a FROM t WHERE b = $who;
--@ param who VARCHAR = y'; DROP STREAM t; --
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘

SELECT a FROM t WHERE at > TIMESTAMP '2026-01-09T00:00:00Z' - :since;
--@ param since INTERVAL = 7 days
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘

SELECT a FROM t WHERE at = :at;
--@ param at TIMESTAMP = 2026-01-08
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘

SELECT :d AS d, :f AS f, :b AS b, :s::INT + 1 AS s;
--@ param d DATE = 2026-02-03
--@ param f DOUBLE = 0.5
--@ param b BOOLEAN = true
--@ param s VARCHAR = 41
--> ┌────────────┬────────┬─────────┬────────┐
--> │ d          │      f │ b       │      s │
--> │ DATE       │ DOUBLE │ BOOLEAN │ BIGINT │
--> ├────────────┼────────┼─────────┼────────┤
--> │ 2026-02-03 │    0.5 │ true    │     42 │
--> └────────────┴────────┴─────────┴────────┘

SELECT a FROM t WHERE a = :missing;
--> error: parameter missing has no value
--> 1 | SELECT a FROM t WHERE a = :missing
-->   |                           ^^^^^^^^
--> hint: give it one, for example --param missing=…

SELECT a FROM t WHERE a = :leest;
--@ param least INT = 1
--> error: parameter leest has no value
--> 1 | SELECT a FROM t WHERE a = :leest
-->   |                           ^^^^^^
--> hint: did you mean :least?
