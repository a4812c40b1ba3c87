-- Avro: damaged records beside good ones.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'avro', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t (_key, a, b) VALUES ('k0', 1, 'x');
--@ produce t 0 k1 garbage
--@ produce t 0 k2 \x00\x00\x00\x00\x01\x02
--@ produce t 0 k3 \x00\x00\x00\x03\xe7\x02\x02\x02\x02x
--@ produce t 0 k4 NULL
--> inserted 1 record

INSERT INTO t (_key, a, b) VALUES ('k5', 5, 'z');
--> inserted 1 record

SELECT _offset, _key, a, b, _schema_id, _error FROM t ORDER BY _offset;
--@ receipt
--> ┌─────────┬─────────┬──────┬─────────┬────────────┬─────────────────────────────────────────────────────────────────────┐
--> │ _offset │ _key    │    a │ b       │ _schema_id │ _error                                                              │
--> │  BIGINT │ VARCHAR │  INT │ VARCHAR │        INT │ VARCHAR                                                             │
--> ├─────────┼─────────┼──────┼─────────┼────────────┼─────────────────────────────────────────────────────────────────────┤
--> │       0 │ k0      │    1 │ x       │          1 │ NULL                                                                │
--> │       1 │ k1      │ NULL │ NULL    │       NULL │ the record is not framed with a schema id: it looks like plain text │
--> │       2 │ k2      │ NULL │ NULL    │          1 │ the bytes are not a record of schema 1: Parser error: bad varint    │
--> │       3 │ k3      │ NULL │ NULL    │        999 │ schema id 999 is unknown to the registry beside memory              │
--> │       4 │ k4      │ NULL │ NULL    │       NULL │ NULL                                                                │
--> │       5 │ k5      │    5 │ z       │          1 │ NULL                                                                │
--> └─────────┴─────────┴──────┴─────────┴────────────┴─────────────────────────────────────────────────────────────────────┘
--> receipt: 6 rows
--> receipt: t: scanned 6 of 6, partitions 1 of 1, decoded 5, tombstones 1, undecodable 3

SELECT _offset, _error, _schema_id FROM errors('t') ORDER BY _offset;
--> ┌─────────┬─────────────────────────────────────────────────────────────────────┬────────────┐
--> │ _offset │ _error                                                              │ _schema_id │
--> │  BIGINT │ VARCHAR                                                             │        INT │
--> ├─────────┼─────────────────────────────────────────────────────────────────────┼────────────┤
--> │       1 │ the record is not framed with a schema id: it looks like plain text │       NULL │
--> │       2 │ the bytes are not a record of schema 1: Parser error: bad varint    │          1 │
--> │       3 │ schema id 999 is unknown to the registry beside memory              │        999 │
--> └─────────┴─────────────────────────────────────────────────────────────────────┴────────────┘

SET on_error = fail;
--> on_error = fail

SELECT a FROM t;
--> error: record 1 of t partition 0 cannot be decoded: the record is not framed with a schema id: it looks like plain text
--> hint: SET on_error = 'null' or 'skip' goes on; SELECT * FROM errors('t') shows them all

SET on_error = skip;
--> on_error = skip

SELECT a FROM t ORDER BY a;
--> ┌──────┐
--> │    a │
--> │  INT │
--> ├──────┤
--> │    1 │
--> │    5 │
--> │ NULL │
--> └──────┘
