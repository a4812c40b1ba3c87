-- INSERT … SELECT copies from topic to topic.
CREATE STREAM src (id INT, region VARCHAR) WITH (kafka_topic = 'src', value_format = 'json', partitions = 2);

INSERT INTO src (_key, id, region) VALUES ('a', 1, 'EU'), ('b', 2, 'US'), ('c', 3, 'EU');

CREATE STREAM eu (id INT, twice BIGINT) WITH (kafka_topic = 'eu', value_format = 'avro', partitions = 1);

INSERT INTO eu (_key, id, twice) SELECT _key, id, id * 2 FROM src WHERE region = 'EU' ORDER BY id;

SELECT _key, id, twice FROM eu ORDER BY id;

-- A statement never reads what it writes.
INSERT INTO eu (id, twice) SELECT id + 10, twice FROM eu;

SELECT count(*) AS n, max(id) AS last FROM eu;
