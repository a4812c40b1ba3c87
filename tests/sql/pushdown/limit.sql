-- LIMIT without an order stops the reading.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t (a) VALUES (1), (2), (3), (4), (5);
--> inserted 5 records

SELECT a FROM t LIMIT 2;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   2 │
--> └─────┘

SELECT a FROM t LIMIT 0;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> └─────┘

SELECT a FROM t ORDER BY a DESC LIMIT 2 OFFSET 1;
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   4 │
--> │   3 │
--> └─────┘
