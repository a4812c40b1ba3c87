-- The columns of a result are called as they were typed.
CREATE STREAM t (a INT, b STRUCT<c VARCHAR>, l ARRAY<STRUCT<d INT>>) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 NULL {"a":1,"b":{"c":"x"},"l":[{"d":5}]}
--@ produce t 0 NULL {"a":2,"b":{"c":"y"},"l":[{"d":6},{"d":7}]}
--> created stream t, topic t made with 1 partition

SELECT A + 1, 'text', b.c, l[1].d, upper(b.c), NULL, TRUE FROM t ORDER BY a + 1 DESC;
--> ┌────────┬─────────┬─────────┬────────┬────────────┬──────┬─────────┐
--> │  a + 1 │ 'text'  │ c       │ l[1].d │ upper(b.c) │ NULL │ true    │
--> │ BIGINT │ VARCHAR │ VARCHAR │    INT │ VARCHAR    │ NULL │ BOOLEAN │
--> ├────────┼─────────┼─────────┼────────┼────────────┼──────┼─────────┤
--> │      3 │ text    │ y       │      6 │ Y          │ NULL │ true    │
--> │      2 │ text    │ x       │      5 │ X          │ NULL │ true    │
--> └────────┴─────────┴─────────┴────────┴────────────┴──────┴─────────┘

SELECT sum(a), count(*), count(DISTINCT b.c) FROM t HAVING sum(a) > 0 ORDER BY sum(a);
--> ┌────────┬──────────┬─────────────────────┐
--> │ sum(a) │ count(*) │ count(DISTINCT b.c) │
--> │ BIGINT │   BIGINT │              BIGINT │
--> ├────────┼──────────┼─────────────────────┤
--> │      3 │        2 │                   2 │
--> └────────┴──────────┴─────────────────────┘

SELECT DISTINCT abs(a) FROM t ORDER BY abs(a);
--> error: For SELECT DISTINCT, ORDER BY expressions t.a must appear in select list

SELECT b.c, max(a) FROM t GROUP BY b.c ORDER BY max(a) DESC;
--> ┌─────────┬────────┐
--> │ c       │ max(a) │
--> │ VARCHAR │    INT │
--> ├─────────┼────────┤
--> │ y       │      2 │
--> │ x       │      1 │
--> └─────────┴────────┘

SELECT a % 2, count(*) FROM t GROUP BY a % 2 ORDER BY a % 2;
--> ┌────────┬──────────┐
--> │  a % 2 │ count(*) │
--> │ BIGINT │   BIGINT │
--> ├────────┼──────────┤
--> │      0 │        1 │
--> │      1 │        1 │
--> └────────┴──────────┘

SELECT 1 + 1 UNION ALL SELECT 3 ORDER BY 1;
--> ┌────────┐
--> │  1 + 1 │
--> │ BIGINT │
--> ├────────┤
--> │      2 │
--> │      3 │
--> └────────┘

SELECT unnest(l) FROM t;
--> ┌─────────────┐
--> │ UNNEST(t.l) │
--> │ STRUCT      │
--> ├─────────────┤
--> │ {d: 5}      │
--> │ {d: 6}      │
--> │ {d: 7}      │
--> └─────────────┘

SELECT a, row_number() OVER (ORDER BY a) FROM t QUALIFY row_number() OVER (ORDER BY a) = 1;
--> ┌─────┬────────────────────────────────┐
--> │   a │ row_number() OVER (ORDER BY a) │
--> │ INT │                BIGINT UNSIGNED │
--> ├─────┼────────────────────────────────┤
--> │   1 │                              1 │
--> └─────┴────────────────────────────────┘

SELECT (SELECT max(a) FROM t);
--> ┌────────────────────────┐
--> │ (SELECT max(a) FROM t) │
--> │                    INT │
--> ├────────────────────────┤
--> │                      2 │
--> └────────────────────────┘

SELECT 1, 1;
--> ┌────────┬────────┐
--> │      1 │    1_2 │
--> │ BIGINT │ BIGINT │
--> ├────────┼────────┤
--> │      1 │      1 │
--> └────────┴────────┘

SELECT a, a FROM t;
--> error: two columns of the result have the same name
--> hint: give one of them another: … AS other_name
