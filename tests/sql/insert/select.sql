-- INSERT … SELECT copies from topic to topic.
CREATE STREAM src (id INT, region VARCHAR) WITH (kafka_topic = 'src', value_format = 'json', partitions = 2);
--> created stream src, topic src made with 2 partitions

INSERT INTO src (_key, id, region) VALUES ('a', 1, 'EU'), ('b', 2, 'US'), ('c', 3, 'EU');
--> inserted 3 records

CREATE STREAM eu (id INT, twice BIGINT) WITH (kafka_topic = 'eu', value_format = 'avro', partitions = 1);
--> created stream eu, topic eu made with 1 partition

INSERT INTO eu (_key, id, twice) SELECT _key, id, id * 2 FROM src WHERE region = 'EU' ORDER BY id;
--> inserted 2 records

SELECT _key, id, twice FROM eu ORDER BY id;
--> ┌─────────┬─────┬────────┐
--> │ _key    │  id │  twice │
--> │ VARCHAR │ INT │ BIGINT │
--> ├─────────┼─────┼────────┤
--> │ a       │   1 │      2 │
--> │ c       │   3 │      6 │
--> └─────────┴─────┴────────┘

-- A statement never reads what it writes.
INSERT INTO eu (id, twice) SELECT id + 10, twice FROM eu;
--> inserted 2 records

SELECT count(*) AS n, max(id) AS last FROM eu;
--> ┌────────┬──────┐
--> │      n │ last │
--> │ BIGINT │  INT │
--> ├────────┼──────┤
--> │      4 │   13 │
--> └────────┴──────┘
