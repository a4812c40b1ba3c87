-- CREATE, SHOW, DESCRIBE and DROP.
CREATE STREAM orders (id BIGINT KEY, amount DECIMAL(10, 2), at TIMESTAMP) WITH (kafka_topic = 'orders-eu', key_format = 'json', value_format = 'json', partitions = 2);
--> created stream orders, topic orders-eu made with 2 partitions

SHOW STREAMS;
--> ┌─────────┬───────────┬──────────────┬────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
--> │ stream  │ topic     │ value_format │ statement                                                                                                                                                              │
--> │ VARCHAR │ VARCHAR   │ VARCHAR      │ VARCHAR                                                                                                                                                                │
--> ├─────────┼───────────┼──────────────┼────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┤
--> │ orders  │ orders-eu │ json         │ CREATE STREAM orders (id BIGINT KEY, amount DECIMAL(10, 2), at TIMESTAMP) WITH (kafka_topic = 'orders-eu', key_format = 'json', value_format = 'json', partitions = 2) │
--> └─────────┴───────────┴──────────────┴────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

SHOW TOPICS;
--> ┌───────────┬────────────┬─────────┐
--> │ topic     │ partitions │ offsets │
--> │ VARCHAR   │        INT │  BIGINT │
--> ├───────────┼────────────┼─────────┤
--> │ orders-eu │          2 │       0 │
--> └───────────┴────────────┴─────────┘

DESCRIBE orders;
--> notice: topic orders-eu: 2 partitions, 0 offsets
--> notice: key: json, declared; value: json, declared
--> ┌────────────┬─────────────────────────────────────────┬──────────┬─────────────────────────────────────────────────────────────────────────────────────┐
--> │ column     │ type                                    │ from     │ description                                                                         │
--> │ VARCHAR    │ VARCHAR                                 │ VARCHAR  │ VARCHAR                                                                             │
--> ├────────────┼─────────────────────────────────────────┼──────────┼─────────────────────────────────────────────────────────────────────────────────────┤
--> │ id         │ BIGINT                                  │ key      │ ''                                                                                  │
--> │ amount     │ DECIMAL(10, 2)                          │ value    │ ''                                                                                  │
--> │ at         │ TIMESTAMP                               │ value    │ ''                                                                                  │
--> │ _key       │ STRUCT<id BIGINT>                       │ metadata │ the record's key, decoded; as text (hex when not UTF-8) where its format is unknown │
--> │ _value     │ BYTES                                   │ metadata │ the value's bytes as they came                                                      │
--> │ _raw       │ VARCHAR                                 │ metadata │ the value as text, NULL when it is not UTF-8                                        │
--> │ _topic     │ VARCHAR                                 │ metadata │ the topic's name                                                                    │
--> │ _partition │ INT                                     │ metadata │ the partition                                                                       │
--> │ _offset    │ BIGINT                                  │ metadata │ the offset in the partition                                                         │
--> │ _timestamp │ TIMESTAMP                               │ metadata │ the record's timestamp                                                              │
--> │ _headers   │ ARRAY<STRUCT<key VARCHAR, value BYTES>> │ metadata │ the headers, in order                                                               │
--> │ _schema_id │ INT                                     │ metadata │ the schema id in front of the value, if any                                         │
--> │ _error     │ VARCHAR                                 │ metadata │ why the record could not be decoded, NULL when it could                             │
--> └────────────┴─────────────────────────────────────────┴──────────┴─────────────────────────────────────────────────────────────────────────────────────┘

CREATE STREAM orders (id INT) WITH (kafka_topic = 'other', value_format = 'json');
--> error: stream orders is there already
--> 1 | CREATE STREAM orders (id INT) WITH (kafka_topic = 'other', value_format = 'json')
-->   |               ^^^^^^
--> hint: use CREATE OR REPLACE STREAM, or DROP STREAM first

CREATE STREAM IF NOT EXISTS orders (id INT) WITH (kafka_topic = 'other', value_format = 'json');
--> stream orders was there already

CREATE OR REPLACE STREAM orders (amount DOUBLE) WITH (kafka_topic = 'orders-eu', value_format = 'json');
--> created stream orders over topic orders-eu

INSERT INTO orders VALUES (1.5);
--> inserted 1 record

SELECT amount FROM orders-eu;
--> ┌────────┐
--> │ amount │
--> │ DOUBLE │
--> ├────────┤
--> │    1.5 │
--> └────────┘

CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_format = 'xml');
--> error: there is no format 'xml'
--> 1 | CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_format = 'xml')
-->   |                                                                    ^^^^^
--> hint: one of: avro, json, kafka, raw

CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_fromat = 'json');
--> error: CREATE STREAM has no property "value_fromat"
--> 1 | CREATE STREAM bad (id INT) WITH (kafka_topic = 'b', value_fromat = 'json')
-->   |                                                     ^^^^^^^^^^^^
--> hint: did you mean value_format?

CREATE STREAM bad (id FISH) WITH (kafka_topic = 'b', value_format = 'json');
--> error: a topic cannot hold the type FISH
--> 1 | CREATE STREAM bad (id FISH) WITH (kafka_topic = 'b', value_format = 'json')
-->   |                       ^^^^
--> hint: use BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BYTES, DATE, TIME, TIMESTAMP, ARRAY<T>, MAP<K, V> or STRUCT<…>

CREATE STREAM bad (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json', partitions = 5);
--> error: topic orders-eu has 2 partitions, not 5
--> 1 | CREATE STREAM bad (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json', partitions = 5)
-->   |                                                                                                 ^
--> hint: leave partitions out, or name another topic

DROP STREAM ordes;
--> error: there is no stream ordes
--> 1 | DROP STREAM ordes
-->   |             ^^^^^
--> hint: did you mean orders?

DROP STREAM orders;
--> dropped stream orders

SHOW TOPICS;
--> ┌───────────┬────────────┬─────────┐
--> │ topic     │ partitions │ offsets │
--> │ VARCHAR   │        INT │  BIGINT │
--> ├───────────┼────────────┼─────────┤
--> │ orders-eu │          2 │       1 │
--> └───────────┴────────────┴─────────┘

DROP STREAM orders;
--> error: there is no stream orders
--> 1 | DROP STREAM orders
-->   |             ^^^^^^
--> hint: SHOW STREAMS lists them; a topic without a declaration is not a stream

DROP STREAM IF EXISTS orders;
--> there was no stream orders

CREATE STREAM orders (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json');
--> created stream orders over topic orders-eu

DROP STREAM orders DELETE TOPIC;
--> dropped stream orders and deleted topic orders-eu

SHOW TOPICS;
--> notice: memory has no topics yet
--> hint: CREATE STREAM t (id BIGINT) WITH (value_format = 'json', partitions = 1) makes one; `weir demo` has some to try
