-- What there is to read from: streams and topics together, a notice where there is nothing.
SHOW TABLES;
--> notice: memory has no topics or streams yet
--> hint: CREATE STREAM t (id BIGINT) WITH (value_format = 'json', partitions = 1) makes one; `weir demo` has some to try

SHOW STREAMS;
--> notice: no streams are declared; every topic is a table without a declaration too
--> hint: CREATE STREAM t (id BIGINT) WITH (value_format = 'json', partitions = 1) makes one

SHOW TOPICS;
--> notice: memory has no topics yet
--> hint: CREATE STREAM t (id BIGINT) WITH (value_format = 'json', partitions = 1) makes one; `weir demo` has some to try

CREATE STREAM orders (id INT) WITH (kafka_topic = 'orders', value_format = 'json', partitions = 2);
--> created stream orders, topic orders made with 2 partitions

CREATE STREAM small (id INT) WITH (kafka_topic = 'orders-eu', value_format = 'json', partitions = 1);
--> created stream small, topic orders-eu made with 1 partition

SHOW TABLES;
--> ┌───────────┬─────────┬───────────┬────────────┬─────────┐
--> │ name      │ kind    │ topic     │ partitions │ offsets │
--> │ VARCHAR   │ VARCHAR │ VARCHAR   │        INT │  BIGINT │
--> ├───────────┼─────────┼───────────┼────────────┼─────────┤
--> │ orders    │ stream  │ orders    │          2 │       0 │
--> │ orders-eu │ topic   │ orders-eu │          1 │       0 │
--> │ small     │ stream  │ orders-eu │          1 │       0 │
--> └───────────┴─────────┴───────────┴────────────┴─────────┘

SHOW FUNCTIONS LIKE 'no such thing';
--> notice: no function has 'no such thing' in its name
