-- Names that differ by case alone must be written exactly.
CREATE STREAM t (id INT, ID INT, x INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);

INSERT INTO t VALUES (1, 2, 3);

SELECT Id FROM t;

SELECT id, "ID" FROM t;

SELECT x FROM t a JOIN t b ON a.x = b.x;
