-- UNION, INTERSECT and EXCEPT over topics.
CREATE STREAM a (n INT) WITH (kafka_topic = 'a', value_format = 'json', partitions = 1);
--> created stream a, topic a made with 1 partition

CREATE STREAM b (n INT) WITH (kafka_topic = 'b', value_format = 'json', partitions = 1);
--> created stream b, topic b made with 1 partition

INSERT INTO a VALUES (1), (2), (2), (3);
--> inserted 4 records

INSERT INTO b VALUES (2), (4);
--> inserted 2 records

SELECT n FROM a UNION SELECT n FROM b ORDER BY n;
--> ┌─────┐
--> │   n │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   2 │
--> │   3 │
--> │   4 │
--> └─────┘

SELECT n FROM a UNION ALL SELECT n FROM b ORDER BY n;
--> ┌─────┐
--> │   n │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   2 │
--> │   2 │
--> │   2 │
--> │   3 │
--> │   4 │
--> └─────┘

SELECT n FROM a INTERSECT SELECT n FROM b;
--> ┌─────┐
--> │   n │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘

SELECT n FROM a EXCEPT SELECT n FROM b ORDER BY n;
--> ┌─────┐
--> │   n │
--> │ INT │
--> ├─────┤
--> │   1 │
--> │   3 │
--> └─────┘
