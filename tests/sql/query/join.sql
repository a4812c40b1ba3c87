-- Joins across topics; every topic is read once per reference, over one snapshot.
CREATE STREAM orders (id INT, who VARCHAR, amount DOUBLE) WITH (kafka_topic = 'orders', value_format = 'avro', partitions = 2);
--> created stream orders, topic orders made with 2 partitions

CREATE STREAM payments (order_id INT, paid DOUBLE) WITH (kafka_topic = 'payments', value_format = 'json', partitions = 1);
--> created stream payments, topic payments made with 1 partition

INSERT INTO orders (_key, id, who, amount) VALUES ('1', 1, 'ada', 10), ('2', 2, 'bob', 20), ('3', 3, 'ada', 30);
--> inserted 3 records

INSERT INTO payments (_key, order_id, paid) VALUES ('1', 1, 10), ('3', 3, 25), ('9', 9, 1);
--> inserted 3 records

SELECT o.id, o.who, p.paid FROM orders o JOIN payments p ON p.order_id = o.id ORDER BY o.id;
--@ receipt
--> ┌─────┬─────────┬────────┐
--> │  id │ who     │   paid │
--> │ INT │ VARCHAR │ DOUBLE │
--> ├─────┼─────────┼────────┤
--> │   1 │ ada     │   10.0 │
--> │   3 │ ada     │   25.0 │
--> └─────┴─────────┴────────┘
--> receipt: 2 rows
--> receipt: payments: scanned 3 of 3, partitions 1 of 1, decoded 3
--> receipt: orders: scanned 3 of 5, partitions 2 of 2, decoded 3

SELECT o.id, p.paid FROM orders o LEFT JOIN payments p ON p.order_id = o.id ORDER BY o.id;
--> ┌─────┬────────┐
--> │  id │   paid │
--> │ INT │ DOUBLE │
--> ├─────┼────────┤
--> │   1 │   10.0 │
--> │   2 │   NULL │
--> │   3 │   25.0 │
--> └─────┴────────┘

SELECT o.id, p.order_id FROM orders o FULL JOIN payments p ON p.order_id = o.id ORDER BY o.id NULLS LAST;
--> ┌──────┬──────────┐
--> │   id │ order_id │
--> │  INT │      INT │
--> ├──────┼──────────┤
--> │    1 │        1 │
--> │    2 │     NULL │
--> │    3 │        3 │
--> │ NULL │        9 │
--> └──────┴──────────┘

SELECT id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id);
--> ┌─────┐
--> │  id │
--> │ INT │
--> ├─────┤
--> │   2 │
--> └─────┘

SELECT o._key, p._offset FROM orders o JOIN payments p ON p._key = o._key ORDER BY 1;
--> ┌─────────┬─────────┐
--> │ _key    │ _offset │
--> │ VARCHAR │  BIGINT │
--> ├─────────┼─────────┤
--> │ 1       │       0 │
--> │ 3       │       1 │
--> └─────────┴─────────┘

SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.who = b.who AND a.id < b.id;
--@ receipt
--> ┌─────┬───────┐
--> │  id │ other │
--> │ INT │   INT │
--> ├─────┼───────┤
--> │   1 │     3 │
--> └─────┴───────┘
--> receipt: 1 rows
--> receipt: orders: scanned 3 of 5, partitions 2 of 2, decoded 3
--> receipt: orders: scanned 3 of 5, partitions 2 of 2, decoded 3
