-- Names that differ by case alone must be written exactly.
CREATE STREAM t (id INT, ID INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> error: column "ID" is declared twice
--> 1 | CREATE STREAM t (id INT, ID INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1)
-->   |                          ^^

CREATE STREAM seed (x INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 k {"uid":1,"Uid":2,"x":3}
--> created stream seed, topic t made with 1 partition

DROP STREAM seed;
--> dropped stream seed

SELECT * FROM t;
--> notice: t: columns inferred from 1 record; DESCRIBE t shows them
--> ┌────────┬────────┬────────┐
--> │    uid │    Uid │      x │
--> │ BIGINT │ BIGINT │ BIGINT │
--> ├────────┼────────┼────────┤
--> │      1 │      2 │      3 │
--> └────────┴────────┴────────┘

SELECT UID FROM t;
--> error: "UID" is ambiguous: it could be "Uid" or "uid"
--> 1 | SELECT UID FROM t
-->   |        ^^^
--> hint: write it in its exact case, in double quotes: "Uid"

SELECT uid, "Uid" FROM t;
--> ┌────────┬────────┐
--> │    uid │    Uid │
--> │ BIGINT │ BIGINT │
--> ├────────┼────────┤
--> │      1 │      2 │
--> └────────┴────────┘

SELECT x FROM t a JOIN t b ON a.x = b.x;
--> error: column "x" is in more than one table
--> 1 | SELECT x FROM t a JOIN t b ON a.x = b.x
-->   |        ^
--> hint: put the table's name or alias in front of it

SELECT a.x, b.uid FROM t a JOIN t b ON a.x = b.x;
--> ┌────────┬────────┐
--> │      x │    uid │
--> │ BIGINT │ BIGINT │
--> ├────────┼────────┤
--> │      3 │      1 │
--> └────────┴────────┘
