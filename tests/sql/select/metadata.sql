-- Metadata columns are there for every topic and not part of *.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--@ produce t 0 k0 {"a":1}
--@ produce t 1 k1 {"a":2}
--@ produce t 1 k2 NULL
--> created stream t, topic t made with 2 partitions

SELECT * FROM t ORDER BY a;
--> ┌──────┐
--> │    a │
--> │  INT │
--> ├──────┤
--> │    1 │
--> │    2 │
--> │ NULL │
--> └──────┘

SELECT _topic, _partition, _offset, _timestamp, _key, _raw, _schema_id, _error, a FROM t ORDER BY _partition, _offset;
--> ┌─────────┬────────────┬─────────┬──────────────────────┬─────────┬─────────┬────────────┬─────────┬──────┐
--> │ _topic  │ _partition │ _offset │ _timestamp           │ _key    │ _raw    │ _schema_id │ _error  │    a │
--> │ VARCHAR │        INT │  BIGINT │ TIMESTAMP            │ VARCHAR │ VARCHAR │        INT │ VARCHAR │  INT │
--> ├─────────┼────────────┼─────────┼──────────────────────┼─────────┼─────────┼────────────┼─────────┼──────┤
--> │ t       │          0 │       0 │ 2023-11-14T22:13:20Z │ k0      │ {"a":1} │       NULL │ NULL    │    1 │
--> │ t       │          1 │       0 │ 2023-11-14T22:13:20Z │ k1      │ {"a":2} │       NULL │ NULL    │    2 │
--> │ t       │          1 │       1 │ 2023-11-14T22:13:20Z │ k2      │ NULL    │       NULL │ NULL    │ NULL │
--> └─────────┴────────────┴─────────┴──────────────────────┴─────────┴─────────┴────────────┴─────────┴──────┘

SELECT *, _offset FROM t ORDER BY _key;
--> ┌──────┬─────────┐
--> │    a │ _offset │
--> │  INT │  BIGINT │
--> ├──────┼─────────┤
--> │    1 │       0 │
--> │    2 │       0 │
--> │ NULL │       1 │
--> └──────┴─────────┘

SELECT t.*, _key FROM t ORDER BY _key;
--> ┌──────┬─────────┐
--> │    a │ _key    │
--> │  INT │ VARCHAR │
--> ├──────┼─────────┤
--> │    1 │ k0      │
--> │    2 │ k1      │
--> │ NULL │ k2      │
--> └──────┴─────────┘

-- A tombstone is a row without a value.
SELECT _key, _value IS NULL AS tombstone FROM t ORDER BY _key;
--@ receipt
--> ┌─────────┬───────────┐
--> │ _key    │ tombstone │
--> │ VARCHAR │ BOOLEAN   │
--> ├─────────┼───────────┤
--> │ k0      │ false     │
--> │ k1      │ false     │
--> │ k2      │ true      │
--> └─────────┴───────────┘
--> receipt: 3 rows
--> receipt: t: scanned 3 of 3, partitions 2 of 2, decoded 0, tombstones 1

SELECT _headers FROM t WHERE _key = 'k0';
--> ┌──────────┐
--> │ _headers │
--> │ STRUCT[] │
--> ├──────────┤
--> │ []       │
--> └──────────┘
