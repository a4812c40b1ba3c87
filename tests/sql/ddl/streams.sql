-- CREATE, SHOW, DESCRIBE and DROP.
CREATE STREAM orders (id BIGINT KEY, amount DECIMAL(10, 2), at TIMESTAMP) WITH (kafka_topic = 'orders-eu', key_format = 'json', value_format = 'json', partitions = 2);

SHOW STREAMS;

SHOW TOPICS;

DESCRIBE orders;

CREATE STREAM orders (id INT) WITH (kafka_topic = 'other', value_format = 'json');

CREATE STREAM IF NOT EXISTS orders (id INT) WITH (kafka_topic = 'other', value_format = 'json');

CREATE OR REPLACE STREAM orders (amount DOUBLE) WITH (kafka_topic = 'orders-eu', value_format = 'json');

INSERT INTO orders VALUES (1.5);

SELECT amount FROM orders-eu;

CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_format = 'xml');

CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_fromat = 'json');

CREATE STREAM bad (id FISH) WITH (kafka_topic = 'b', value_format = 'json');

CREATE STREAM bad (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json', partitions = 5);

DROP STREAM ordes;

DROP STREAM orders;

SHOW TOPICS;

DROP STREAM orders;

DROP STREAM IF EXISTS orders;

CREATE STREAM orders (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json');

DROP STREAM orders DELETE TOPIC;

SHOW TOPICS;
