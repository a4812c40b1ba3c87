-- Columns marked KEY are written to the record's key.
CREATE STREAM users (id BIGINT KEY, name VARCHAR) WITH (kafka_topic = 'users', key_format = 'json', value_format = 'json', partitions = 1);
--> created stream users, topic users made with 1 partition

INSERT INTO users VALUES (7, 'Ada'), (8, 'Bob');
--> inserted 2 records

SELECT * FROM users ORDER BY id;
--> ┌────────┬─────────┐
--> │     id │ name    │
--> │ BIGINT │ VARCHAR │
--> ├────────┼─────────┤
--> │      7 │ Ada     │
--> │      8 │ Bob     │
--> └────────┴─────────┘

SELECT _key, _raw FROM users ORDER BY _offset;
--> ┌─────────┬────────────────┐
--> │ _key    │ _raw           │
--> │ STRUCT  │ VARCHAR        │
--> ├─────────┼────────────────┤
--> │ {id: 7} │ {"name":"Ada"} │
--> │ {id: 8} │ {"name":"Bob"} │
--> └─────────┴────────────────┘

SELECT name FROM users WHERE id = 8;
--> ┌─────────┐
--> │ name    │
--> │ VARCHAR │
--> ├─────────┤
--> │ Bob     │
--> └─────────┘
