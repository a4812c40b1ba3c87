-- Records that cannot be decoded stay as rows with an error, are left out, or end the query: as the session says.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 k0 {"a":1,"b":"x"}
--@ produce t 0 k1 not json
--@ produce t 0 k2 {"a":2,"b":
--@ produce t 0 k3 {"a":"twelve","b":"y"}
--@ produce t 0 k4 \xff\xfe
--@ produce t 0 k5 {"a":5,"b":"z"}
--> created stream t, topic t made with 1 partition

SELECT _offset, a, b, _error FROM t ORDER BY _offset;
--@ receipt
--> ┌─────────┬──────┬─────────┬─────────────────────────────────────────────────────────────────────────────┐
--> │ _offset │    a │ b       │ _error                                                                      │
--> │  BIGINT │  INT │ VARCHAR │ VARCHAR                                                                     │
--> ├─────────┼──────┼─────────┼─────────────────────────────────────────────────────────────────────────────┤
--> │       0 │    1 │ x       │ NULL                                                                        │
--> │       1 │ NULL │ NULL    │ the record is not JSON: true, false or null was expected at byte 0          │
--> │       2 │ NULL │ NULL    │ the record is not JSON: the text ends where a value was expected at byte 11 │
--> │       3 │ NULL │ NULL    │ the text is no number for INT                                               │
--> │       4 │ NULL │ NULL    │ the record is not JSON: it is not UTF-8 text                                │
--> │       5 │    5 │ z       │ NULL                                                                        │
--> └─────────┴──────┴─────────┴─────────────────────────────────────────────────────────────────────────────┘
--> receipt: 6 rows
--> receipt: t: scanned 6 of 6, partitions 1 of 1, decoded 6, undecodable 4

SELECT _partition, _offset, _timestamp, _key, _error, _raw, encode(_value, 'hex') AS hex, octet_length(_value) AS bytes, _field FROM errors('t') ORDER BY _offset;
--> ┌────────────┬─────────┬──────────────────────┬─────────┬─────────────────────────────────────────────────────────────────────────────┬────────────────────────┬──────────────────────────────────────────────┬───────┬─────────┐
--> │ _partition │ _offset │ _timestamp           │ _key    │ _error                                                                      │ _raw                   │ hex                                          │ bytes │ _field  │
--> │        INT │  BIGINT │ TIMESTAMP            │ VARCHAR │ VARCHAR                                                                     │ VARCHAR                │ VARCHAR                                      │   INT │ VARCHAR │
--> ├────────────┼─────────┼──────────────────────┼─────────┼─────────────────────────────────────────────────────────────────────────────┼────────────────────────┼──────────────────────────────────────────────┼───────┼─────────┤
--> │          0 │       1 │ 2023-11-14T22:13:20Z │ k1      │ the record is not JSON: true, false or null was expected at byte 0          │ not json               │ 6e6f74206a736f6e                             │     8 │ NULL    │
--> │          0 │       2 │ 2023-11-14T22:13:20Z │ k2      │ the record is not JSON: the text ends where a value was expected at byte 11 │ {"a":2,"b":            │ 7b2261223a322c2262223a                       │    11 │ b       │
--> │          0 │       3 │ 2023-11-14T22:13:20Z │ k3      │ the text is no number for INT                                               │ {"a":"twelve","b":"y"} │ 7b2261223a227477656c7665222c2262223a2279227d │    22 │ a       │
--> │          0 │       4 │ 2023-11-14T22:13:20Z │ k4      │ the record is not JSON: it is not UTF-8 text                                │ NULL                   │ fffe                                         │     2 │ NULL    │
--> └────────────┴─────────┴──────────────────────┴─────────┴─────────────────────────────────────────────────────────────────────────────┴────────────────────────┴──────────────────────────────────────────────┴───────┴─────────┘

SELECT * FROM errors('t') ORDER BY _offset LIMIT 1;
--> ┌────────────┬─────────┬──────────────────────┬────────────────────────────────────────────────────────────────────┬─────────┬────────────┬─────────┬──────────┬──────────────────┐
--> │ _partition │ _offset │ _timestamp           │ _error                                                             │ _field  │ _schema_id │ _key    │ _raw     │ _value           │
--> │        INT │  BIGINT │ TIMESTAMP            │ VARCHAR                                                            │ VARCHAR │        INT │ VARCHAR │ VARCHAR  │ BYTES            │
--> ├────────────┼─────────┼──────────────────────┼────────────────────────────────────────────────────────────────────┼─────────┼────────────┼─────────┼──────────┼──────────────────┤
--> │          0 │       1 │ 2023-11-14T22:13:20Z │ the record is not JSON: true, false or null was expected at byte 0 │ NULL    │       NULL │ k1      │ not json │ 6e6f74206a736f6e │
--> └────────────┴─────────┴──────────────────────┴────────────────────────────────────────────────────────────────────┴─────────┴────────────┴─────────┴──────────┴──────────────────┘

SET on_error = skip;
--> on_error = skip

SELECT a, b FROM t ORDER BY a;
--@ receipt
--> ┌─────┬─────────┐
--> │   a │ b       │
--> │ INT │ VARCHAR │
--> ├─────┼─────────┤
--> │   1 │ x       │
--> │   5 │ z       │
--> └─────┴─────────┘
--> receipt: 2 rows
--> receipt: t: scanned 6 of 6, partitions 1 of 1, decoded 6, undecodable 4

-- No value is decoded, so no value can be wrong.
SELECT count(*) AS n FROM t;
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      6 │
--> └────────┘

SET on_error = fail;
--> on_error = fail

SELECT a FROM t;
--> error: record 1 of t partition 0 cannot be decoded: the record is not JSON: true, false or null was expected at byte 0
--> hint: SET on_error = 'null' or 'skip' goes on; SELECT * FROM errors('t') shows them all

SELECT a FROM t WHERE _key = 'k5';
--> ┌─────┐
--> │   a │
--> │ INT │
--> ├─────┤
--> │   5 │
--> └─────┘

UNSET on_error;
--> on_error = null

SELECT count(*) AS n, count(a) AS good FROM t;
--> ┌────────┬────────┐
--> │      n │   good │
--> │ BIGINT │ BIGINT │
--> ├────────┼────────┤
--> │      6 │      2 │
--> └────────┴────────┘
