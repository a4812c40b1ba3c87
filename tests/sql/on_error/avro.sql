-- Avro: damaged records beside good ones.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'avro', partitions = 1);

INSERT INTO t (_key, a, b) VALUES ('k0', 1, 'x');
--@ produce t 0 k1 garbage
--@ produce t 0 k2 \x00\x00\x00\x00\x01\x02
--@ produce t 0 k3 \x00\x00\x00\x03\xe7\x02\x02\x02\x02x
--@ produce t 0 k4 NULL

INSERT INTO t (_key, a, b) VALUES ('k5', 5, 'z');

SELECT _offset, _key, a, b, _schema_id, _error FROM t ORDER BY _offset;
--@ receipt

SELECT _offset, _error, _schema_id FROM errors('t') ORDER BY _offset;

SET on_error = fail;

SELECT a FROM t;

SET on_error = skip;

SELECT a FROM t ORDER BY a;
