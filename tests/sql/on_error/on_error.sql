-- Records that cannot be decoded stay as rows with an error, are left out, or end the query: as the session says.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 k0 {"a":1,"b":"x"}
--@ produce t 0 k1 not json
--@ produce t 0 k2 {"a":2,"b":
--@ produce t 0 k3 {"a":"twelve","b":"y"}
--@ produce t 0 k4 \xff\xfe
--@ produce t 0 k5 {"a":5,"b":"z"}

SELECT _offset, a, b, _error FROM t ORDER BY _offset;
--@ receipt

SELECT _partition, _offset, _timestamp, _key, _error, _raw, octet_length(_value) AS bytes FROM errors('t') ORDER BY _offset;

SELECT * FROM errors('t') ORDER BY _offset LIMIT 1;

SET on_error = skip;

SELECT a, b FROM t ORDER BY a;
--@ receipt

-- No value is decoded, so no value can be wrong.
SELECT count(*) AS n FROM t;

SET on_error = fail;

SELECT a FROM t;

SELECT a FROM t WHERE _key = 'k5';

UNSET on_error;

SELECT count(*) AS n, count(a) AS good FROM t;
