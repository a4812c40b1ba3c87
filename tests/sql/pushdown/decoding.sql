-- Values are decoded only where a column of them is needed, after the filters on keys and metadata.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--> created stream t, topic t made with 2 partitions

INSERT INTO t (_key, _partition, a, b) VALUES ('x', 0, 1, 'one'), ('y', 0, 2, 'two'), ('x', 1, 3, 'three'), ('z', 1, 4, 'four');
--> inserted 4 records

SELECT count(*) AS n FROM t;
--@ receipt
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      4 │
--> └────────┘
--> receipt: 1 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 0

SELECT _key, count(*) AS n FROM t GROUP BY _key ORDER BY _key;
--@ receipt
--> ┌─────────┬────────┐
--> │ _key    │      n │
--> │ VARCHAR │ BIGINT │
--> ├─────────┼────────┤
--> │ x       │      2 │
--> │ y       │      1 │
--> │ z       │      1 │
--> └─────────┴────────┘
--> receipt: 3 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 0

SELECT a FROM t WHERE _key = 'x' ORDER BY a;
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   3 │
--> └─────┘
--> receipt: 2 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 2

SELECT a FROM t WHERE _key = 'x' AND b = 'three';
--@ receipt
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   3 │
--> └─────┘
--> receipt: 1 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 2

SELECT sum(a) AS s FROM t;
--@ receipt
--> ┌────────┐
--> │      s │
--> │ BIGINT │
--> ├────────┤
--> │     10 │
--> └────────┘
--> receipt: 1 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 4

SELECT count(*) AS n FROM t WHERE _key = 'nobody';
--@ receipt
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      0 │
--> └────────┘
--> receipt: 1 rows
--> receipt: t: scanned 4 of 6, partitions 2 of 2, decoded 0
