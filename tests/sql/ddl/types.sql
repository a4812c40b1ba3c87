-- Maps in both spellings, and types in types.
CREATE STREAM s (a INT, m MAP<VARCHAR, INT>, n MAP(VARCHAR, BIGINT), l ARRAY<STRUCT<a INT, b MAP<VARCHAR, DOUBLE>>>) WITH (kafka_topic = 's', value_format = 'json', partitions = 1);
--@ produce s 0 NULL {"a":1,"m":{"x":2},"n":{"y":3},"l":[{"a":4,"b":{"z":5.5}}]}
--> created stream s, topic s made with 1 partition

SELECT * FROM s;
--> ┌─────┬────────┬────────┬───────────────────────┐
--> │   a │ m      │ n      │ l                     │
--> │ INT │ MAP    │ MAP    │ STRUCT[]              │
--> ├─────┼────────┼────────┼───────────────────────┤
--> │   1 │ {x: 2} │ {y: 3} │ [{a: 4, b: {z: 5.5}}] │
--> └─────┴────────┴────────┴───────────────────────┘

SELECT m['x'] AS x, l[1].b['z'] AS z FROM s;
--> ┌─────┬────────┐
--> │   x │      z │
--> │ INT │ DOUBLE │
--> ├─────┼────────┤
--> │   2 │    5.5 │
--> └─────┴────────┘

CREATE STREAM wrong (m MAP<VARCHAR>) WITH (kafka_topic = 's', value_format = 'json');
--> error: expected a comma, found >
--> 1 | CREATE STREAM wrong (m MAP<VARCHAR>) WITH (kafka_topic = 's', value_format = 'json')
-->   |                                   ^
--> hint: types in types are ARRAY<INT>, MAP<VARCHAR, INT> and STRUCT<a INT, b VARCHAR>

CREATE STREAM wrong (m MAP) WITH (kafka_topic = 's', value_format = 'json');
--> error: expected <, found )
--> 1 | CREATE STREAM wrong (m MAP) WITH (kafka_topic = 's', value_format = 'json')
-->   |                           ^
--> hint: types in types are ARRAY<INT>, MAP<VARCHAR, INT> and STRUCT<a INT, b VARCHAR>

CREATE STREAM wrong (m MAP<VARCHAR, INT>>) WITH (kafka_topic = 's', value_format = 'json');
--> error: this > closes nothing
--> 1 | CREATE STREAM wrong (m MAP<VARCHAR, INT>>) WITH (kafka_topic = 's', value_format = 'json')
-->   |                                          ^
--> hint: types in types are ARRAY<INT>, MAP<VARCHAR, INT> and STRUCT<a INT, b VARCHAR>

CREATE STREAM wrong (a GEOGRAPHY) WITH (kafka_topic = 's', value_format = 'json');
--> error: a topic cannot hold the type GEOGRAPHY
--> 1 | CREATE STREAM wrong (a GEOGRAPHY) WITH (kafka_topic = 's', value_format = 'json')
-->   |                        ^^^^^^^^^
--> hint: use BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BYTES, DATE, TIME, TIMESTAMP, ARRAY<T>, MAP<K, V> or STRUCT<…>

CREATE STREAM wrong (a INT NOT NULL) WITH (kafka_topic = 's', value_format = 'json');
--> error: expected , or ), found NOT
--> 1 | CREATE STREAM wrong (a INT NOT NULL) WITH (kafka_topic = 's', value_format = 'json')
-->   |                            ^^^
