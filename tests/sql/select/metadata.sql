-- Metadata columns are there for every topic and not part of *.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--@ produce t 0 k0 {"a":1}
--@ produce t 1 k1 {"a":2}
--@ produce t 1 k2 NULL

SELECT * FROM t ORDER BY a;

SELECT _topic, _partition, _offset, _timestamp, _key, _raw, _schema_id, _error, a FROM t ORDER BY _partition, _offset;

SELECT *, _offset FROM t ORDER BY _key;

SELECT t.*, _key FROM t ORDER BY _key;

-- A tombstone is a row without a value.
SELECT _key, _value IS NULL AS tombstone FROM t ORDER BY _key;
--@ receipt

SELECT _headers FROM t WHERE _key = 'k0';
