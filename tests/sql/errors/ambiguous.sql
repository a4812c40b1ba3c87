-- Names that differ by case alone must be written exactly.
CREATE STREAM t (id INT, ID INT, x INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> error: column "ID" is declared twice
--> 1 | CREATE STREAM t (id INT, ID INT, x INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1)
-->   |                          ^^

INSERT INTO t VALUES (1, 2, 3);
--> error: there is no topic or stream "t"
--> 1 | INSERT INTO t VALUES (1, 2, 3)
-->   |             ^
--> hint: memory memory has no topics yet; `weir demo` makes some to try

SELECT Id FROM t;
--> error: there is no topic or stream "t"
--> 1 | SELECT Id FROM t
-->   |                ^
--> hint: memory memory has no topics yet; `weir demo` makes some to try

SELECT id, "ID" FROM t;
--> error: there is no topic or stream "t"
--> 1 | SELECT id, "ID" FROM t
-->   |                      ^
--> hint: memory memory has no topics yet; `weir demo` makes some to try

SELECT x FROM t a JOIN t b ON a.x = b.x;
--> error: there is no topic or stream "t"
--> 1 | SELECT x FROM t a JOIN t b ON a.x = b.x
-->   |               ^
--> hint: memory memory has no topics yet; `weir demo` makes some to try
