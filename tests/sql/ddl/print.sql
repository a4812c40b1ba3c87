-- PRINT shows records as they are.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 k0 {"a":1}
--@ produce t 0 k1 not json
--@ produce t 0 k2 NULL

PRINT t FROM BEGINNING LIMIT 2;

PRINT t LIMIT 1;

PRINT tt;
