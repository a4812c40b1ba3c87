-- Key, partition, timestamp and headers can be written; the rest of the metadata cannot.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 3);
--> created stream t, topic t made with 3 partitions

INSERT INTO t (_key, _partition, _timestamp, a) VALUES
  ('k1', 2, '2026-01-01T00:00:00.250Z', 1),
  (NULL, 0, '2026-01-02T00:00:00Z', 2);
--> inserted 2 records

SELECT _partition, _offset, _timestamp, _key, a FROM t ORDER BY a;
--> ┌────────────┬─────────┬──────────────────────────┬─────────┬─────┐
--> │ _partition │ _offset │ _timestamp               │ _key    │   a │
--> │        INT │  BIGINT │ TIMESTAMP                │ VARCHAR │ INT │
--> ├────────────┼─────────┼──────────────────────────┼─────────┼─────┤
--> │          2 │       0 │ 2026-01-01T00:00:00.250Z │ k1      │   1 │
--> │          0 │       0 │ 2026-01-02T00:00:00Z     │ NULL    │   2 │
--> └────────────┴─────────┴──────────────────────────┴─────────┴─────┘

-- The same key goes to the same partition, as with the Java client.
INSERT INTO t (_key, a) VALUES ('x', 3), ('x', 4), ('x', 5);
--> inserted 3 records

SELECT count(DISTINCT _partition) AS partitions, count(*) AS n FROM t WHERE _key = 'x';
--> ┌────────────┬────────┐
--> │ partitions │      n │
--> │     BIGINT │ BIGINT │
--> ├────────────┼────────┤
--> │          1 │      3 │
--> └────────────┴────────┘

INSERT INTO t (_offset, a) VALUES (7, 1);
--> error: column _offset cannot be written
--> hint: of the metadata columns, _key, _partition, _timestamp and _headers can

INSERT INTO t (_partition, a) VALUES (3, 1);
--> error: topic t has no partition 3; it has 3, numbered from 0
