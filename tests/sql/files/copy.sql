-- COPY writes a file of the kind its name says; files are tables.
CREATE STREAM t (id INT, name VARCHAR, price DECIMAL(8, 2), at TIMESTAMP) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);

INSERT INTO t VALUES (1, 'pen, "red"', 2.50, '2026-01-01T12:00:00Z'), (2, NULL, 10, NULL);

COPY (SELECT * FROM t ORDER BY id) TO '{dir}/out.parquet';

SELECT * FROM '{dir}/out.parquet' ORDER BY id;

COPY (SELECT id, name, price FROM t ORDER BY id) TO '{dir}/out.csv';

SELECT * FROM '{dir}/out.csv' ORDER BY id;

COPY (SELECT id, name, price FROM t ORDER BY id) TO '{dir}/out.ndjson';

SELECT * FROM '{dir}/out.ndjson' ORDER BY id;

COPY (SELECT id, name FROM t ORDER BY id) TO '{dir}/out.json';

SELECT * FROM '{dir}/out.json' ORDER BY id;

-- A topic and a file, joined.
SELECT t.id, f.name FROM t JOIN '{dir}/out.csv' f ON f.id = t.id ORDER BY t.id;

INSERT INTO t (id, name) SELECT id + 10, name FROM '{dir}/out.parquet';

SELECT id, name FROM t ORDER BY id;
