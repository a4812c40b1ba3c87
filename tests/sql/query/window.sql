-- The newest record of each key, and running sums.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 x {"a":1}
--@ produce t 0 y {"a":2}
--@ produce t 0 x {"a":3}
--@ produce t 0 z {"a":4}
--@ produce t 0 z NULL
--> created stream t, topic t made with 1 partition

SELECT _key, a FROM (SELECT _key, a, _value IS NULL AS gone, row_number() OVER (PARTITION BY _key ORDER BY _offset DESC) AS age FROM t) WHERE age = 1 AND NOT gone ORDER BY _key;
--> ┌─────────┬─────┐
--> │ _key    │   a │
--> │ VARCHAR │ INT │
--> ├─────────┼─────┤
--> │ x       │   3 │
--> │ y       │   2 │
--> └─────────┴─────┘

SELECT _offset, a, sum(a) OVER (ORDER BY _offset) AS running, lag(a) OVER (ORDER BY _offset) AS before FROM t ORDER BY _offset;
--> ┌─────────┬──────┬─────────┬────────┐
--> │ _offset │    a │ running │ before │
--> │  BIGINT │  INT │  BIGINT │    INT │
--> ├─────────┼──────┼─────────┼────────┤
--> │       0 │    1 │       1 │   NULL │
--> │       1 │    2 │       3 │      1 │
--> │       2 │    3 │       6 │      2 │
--> │       3 │    4 │      10 │      3 │
--> │       4 │ NULL │      10 │      4 │
--> └─────────┴──────┴─────────┴────────┘
