-- A topic nobody described: its columns are inferred from a sample, and that is said.
CREATE STREAM seed (a INT) WITH (kafka_topic = 'clicks', value_format = 'json', partitions = 1);
--@ produce clicks 0 k1 {"page":"/","ms":12,"at":{"x":1.5}}
--@ produce clicks 0 k2 {"page":"/cart","ms":7,"user":"ada"}

DROP STREAM seed;

SELECT * FROM clicks ORDER BY ms;

SELECT page, at.x FROM clicks WHERE user IS NULL;
