-- INSERT appends records; columns that are not named are NULL.
CREATE STREAM t (a INT, b VARCHAR, c BOOLEAN) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);

INSERT INTO t VALUES (1, 'one', true);

INSERT INTO t (b, a) VALUES ('two', 2), (NULL, 3);

SELECT _offset, a, b, c FROM t ORDER BY _offset;

SELECT _raw FROM t ORDER BY _offset;

INSERT INTO t (a) VALUES ('not a number');

INSERT INTO t (a, d) VALUES (1, 2);

INSERT INTO t VALUES (1, 'too few');

-- Nothing of a failed statement is there.
SELECT count(*) AS n FROM t;
