-- What the predicates on partition and offset exclude is not read.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 3);
--> created stream t, topic t made with 3 partitions

INSERT INTO t (_partition, a) VALUES (0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 6);
--> inserted 6 records

SELECT a FROM t WHERE _partition = 1 ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   4 │
--> │   5 │
--> └─────┘
--> receipt: 2 rows
--> receipt: t: scanned 2 of 9, partitions 1 of 3, decoded 2

SELECT a FROM t WHERE _partition IN (0, 2) AND _offset >= 1 ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> │   3 │
--> └─────┘
--> receipt: 2 rows
--> receipt: t: scanned 2 of 9, partitions 2 of 3, decoded 2

SELECT a FROM t WHERE _partition = 0 AND _offset BETWEEN 1 AND 1;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘
--> receipt: 1 rows
--> receipt: t: scanned 1 of 9, partitions 1 of 3, decoded 1

SELECT a FROM t WHERE _partition = 7;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> └─────┘
--> receipt: 0 rows
--> receipt: t: scanned 0 of 9, partitions 0 of 3, decoded 0

SELECT a FROM t WHERE _partition = 0 OR a = 6 ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   2 │
--> │   3 │
--> │   6 │
--> └─────┘
--> receipt: 4 rows
--> receipt: t: scanned 6 of 9, partitions 3 of 3, decoded 6
