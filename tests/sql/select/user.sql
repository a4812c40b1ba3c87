-- USER is a call in SQL; in a topic it is a field.
CREATE STREAM t (user VARCHAR, n INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t (user, n) VALUES ('ada', 1), ('bob', 2), ('ada', 3);
--> inserted 3 records

SELECT USER, sum(n) AS s FROM t GROUP BY user ORDER BY user;
--> ┌─────────┬────────┐
--> │ user    │      s │
--> │ VARCHAR │ BIGINT │
--> ├─────────┼────────┤
--> │ ada     │      4 │
--> │ bob     │      2 │
--> └─────────┴────────┘

SELECT t.user AS who FROM t WHERE user = 'bob';
--> ┌─────────┐
--> │ who     │
--> │ VARCHAR │
--> ├─────────┤
--> │ bob     │
--> └─────────┘
