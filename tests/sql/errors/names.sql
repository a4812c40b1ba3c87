-- A name that is not there: which one, where, and the nearest that is.
CREATE STREAM orders (id INT, amount DOUBLE, customer STRUCT<name VARCHAR>) WITH (kafka_topic = 'orders', value_format = 'json', partitions = 1);

SELECT amout FROM orders;

SELECT id,
       o.amnt
FROM orders o;

SELECT nothing_like_it FROM orders;

SELECT customer.nam FROM orders;

SELECT x.id FROM orders o;

SELECT * FROM ordrs;

SELECT * FROM zebra;

SELECT coutn(*) FROM orders;

SELECT sum(id, amount) FROM orders;

SELECT * FROM errors('ordes');

DESCRIBE ordes;

INSERT INTO ordes VALUES (1);
