-- The newest record of each key, and running sums.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 x {"a":1}
--@ produce t 0 y {"a":2}
--@ produce t 0 x {"a":3}
--@ produce t 0 z {"a":4}
--@ produce t 0 z NULL

SELECT _key, a FROM (SELECT _key, a, _value IS NULL AS gone, row_number() OVER (PARTITION BY _key ORDER BY _offset DESC) AS age FROM t) WHERE age = 1 AND NOT gone ORDER BY _key;

SELECT _offset, a, sum(a) OVER (ORDER BY _offset) AS running, lag(a) OVER (ORDER BY _offset) AS before FROM t ORDER BY _offset;
