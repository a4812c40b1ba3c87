-- COPY writes a file of the kind its name says; files are tables.
CREATE STREAM t (id INT, name VARCHAR, price DECIMAL(8, 2), at TIMESTAMP) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t VALUES (1, 'pen, "red"', 2.50, '2026-01-01T12:00:00Z'), (2, NULL, 10, NULL);
--> inserted 2 records

COPY (SELECT * FROM t ORDER BY id) TO '{dir}/out.parquet';
--> wrote 2 rows to {dir}/out.parquet

SELECT * FROM '{dir}/out.parquet' ORDER BY id;
--> ┌─────┬────────────┬──────────────┬──────────────────────┐
--> │  id │ name       │        price │ at                   │
--> │ INT │ VARCHAR    │ DECIMAL(8,2) │ TIMESTAMP            │
--> ├─────┼────────────┼──────────────┼──────────────────────┤
--> │   1 │ pen, "red" │         2.50 │ 2026-01-01T12:00:00Z │
--> │   2 │ NULL       │        10.00 │ NULL                 │
--> └─────┴────────────┴──────────────┴──────────────────────┘

COPY (SELECT id, name, price FROM t ORDER BY id) TO '{dir}/out.csv';
--> wrote 2 rows to {dir}/out.csv

SELECT * FROM '{dir}/out.csv' ORDER BY id;
--> ┌────────┬────────────┬────────┐
--> │     id │ name       │  price │
--> │ BIGINT │ VARCHAR    │ DOUBLE │
--> ├────────┼────────────┼────────┤
--> │      1 │ pen, "red" │    2.5 │
--> │      2 │ NULL       │   10.0 │
--> └────────┴────────────┴────────┘

COPY (SELECT id, name, price FROM t ORDER BY id) TO '{dir}/out.ndjson';
--> wrote 2 rows to {dir}/out.ndjson

SELECT * FROM '{dir}/out.ndjson' ORDER BY id;
--> ┌────────┬────────────┬────────┐
--> │     id │ name       │  price │
--> │ BIGINT │ VARCHAR    │ DOUBLE │
--> ├────────┼────────────┼────────┤
--> │      1 │ pen, "red" │    2.5 │
--> │      2 │ NULL       │   10.0 │
--> └────────┴────────────┴────────┘

COPY (SELECT id, name FROM t ORDER BY id) TO '{dir}/out.json';
--> wrote 2 rows to {dir}/out.json

SELECT * FROM '{dir}/out.json' ORDER BY id;
--> ┌────────┬────────────┐
--> │     id │ name       │
--> │ BIGINT │ VARCHAR    │
--> ├────────┼────────────┤
--> │      1 │ pen, "red" │
--> │      2 │ NULL       │
--> └────────┴────────────┘

-- A topic and a file, joined.
SELECT t.id, f.name FROM t JOIN '{dir}/out.csv' f ON f.id = t.id ORDER BY t.id;
--> ┌─────┬────────────┐
--> │  id │ name       │
--> │ INT │ VARCHAR    │
--> ├─────┼────────────┤
--> │   1 │ pen, "red" │
--> │   2 │ NULL       │
--> └─────┴────────────┘

INSERT INTO t (id, name) SELECT id + 10, name FROM '{dir}/out.parquet';
--> inserted 2 records

SELECT id, name FROM t ORDER BY id;
--> ┌─────┬────────────┐
--> │  id │ name       │
--> │ INT │ VARCHAR    │
--> ├─────┼────────────┤
--> │   1 │ pen, "red" │
--> │   2 │ NULL       │
--> │  11 │ pen, "red" │
--> │  12 │ NULL       │
--> └─────┴────────────┘

COPY (SELECT 1 AS n) TO '{dir}/one.ndjson';
--> wrote 1 row to {dir}/one.ndjson
