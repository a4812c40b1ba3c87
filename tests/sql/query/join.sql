-- Joins across topics; every topic is read once per reference, over one snapshot.
CREATE STREAM orders (id INT, who VARCHAR, amount DOUBLE) WITH (kafka_topic = 'orders', value_format = 'avro', partitions = 2);

CREATE STREAM payments (order_id INT, paid DOUBLE) WITH (kafka_topic = 'payments', value_format = 'json', partitions = 1);

INSERT INTO orders (_key, id, who, amount) VALUES ('1', 1, 'ada', 10), ('2', 2, 'bob', 20), ('3', 3, 'ada', 30);

INSERT INTO payments (_key, order_id, paid) VALUES ('1', 1, 10), ('3', 3, 25), ('9', 9, 1);

SELECT o.id, o.who, p.paid FROM orders o JOIN payments p ON p.order_id = o.id ORDER BY o.id;
--@ receipt

SELECT o.id, p.paid FROM orders o LEFT JOIN payments p ON p.order_id = o.id ORDER BY o.id;

SELECT o.id, p.order_id FROM orders o FULL JOIN payments p ON p.order_id = o.id ORDER BY o.id NULLS LAST;

SELECT id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id);

SELECT o._key, p._offset FROM orders o JOIN payments p ON p._key = o._key ORDER BY 1;

SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.who = b.who AND a.id < b.id;
--@ receipt
