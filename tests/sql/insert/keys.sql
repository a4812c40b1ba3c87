-- Columns marked KEY are written to the record's key.
CREATE STREAM users (id BIGINT KEY, name VARCHAR) WITH (kafka_topic = 'users', key_format = 'json', value_format = 'json', partitions = 1);

INSERT INTO users VALUES (7, 'Ada'), (8, 'Bob');

SELECT * FROM users ORDER BY id;

SELECT _key, _raw FROM users ORDER BY _offset;

SELECT name FROM users WHERE id = 8;
