-- UNION, INTERSECT and EXCEPT over topics.
CREATE STREAM a (n INT) WITH (kafka_topic = 'a', value_format = 'json', partitions = 1);

CREATE STREAM b (n INT) WITH (kafka_topic = 'b', value_format = 'json', partitions = 1);

INSERT INTO a VALUES (1), (2), (2), (3);

INSERT INTO b VALUES (2), (4);

SELECT n FROM a UNION SELECT n FROM b ORDER BY n;

SELECT n FROM a UNION ALL SELECT n FROM b ORDER BY n;

SELECT n FROM a INTERSECT SELECT n FROM b;

SELECT n FROM a EXCEPT SELECT n FROM b ORDER BY n;
