-- A topic nobody described: its columns are inferred from a sample, and that is said.
CREATE STREAM seed (a INT) WITH (kafka_topic = 'clicks', value_format = 'json', partitions = 1);
--@ produce clicks 0 k1 {"page":"/","ms":12,"at":{"x":1.5}}
--@ produce clicks 0 k2 {"page":"/cart","ms":7,"user":"ada"}
--> created stream seed, topic clicks made with 1 partition

DROP STREAM seed;
--> dropped stream seed

SELECT * FROM clicks ORDER BY ms;
--> ┌─────────┬────────┬──────────┬─────────┐
--> │ page    │     ms │ at       │ user    │
--> │ VARCHAR │ BIGINT │ STRUCT   │ VARCHAR │
--> ├─────────┼────────┼──────────┼─────────┤
--> │ /cart   │      7 │ NULL     │ ada     │
--> │ /       │     12 │ {x: 1.5} │ NULL    │
--> └─────────┴────────┴──────────┴─────────┘

SELECT page, at.x FROM clicks WHERE user IS NULL;
--> ┌─────────┬────────┐
--> │ page    │      x │
--> │ VARCHAR │ DOUBLE │
--> ├─────────┼────────┤
--> │ /       │    1.5 │
--> └─────────┴────────┘
