-- A name that is not there: which one, where, and the nearest that is.
CREATE STREAM orders (id INT, amount DOUBLE, customer STRUCT<name VARCHAR>) WITH (kafka_topic = 'orders', value_format = 'json', partitions = 1);
--> created stream orders, topic orders made with 1 partition

SELECT amout FROM orders;
--> error: there is no column "amout"
--> 1 | SELECT amout FROM orders
-->   |        ^^^^^
--> hint: did you mean "amount"?

SELECT id,
       o.amnt
FROM orders o;
--> error: there is no column "amnt" in o
--> 2 |        o.amnt
-->   |        ^^^^^^
--> hint: columns are: id, amount, customer

SELECT nothing_like_it FROM orders;
--> error: there is no column "nothing_like_it"
--> 1 | SELECT nothing_like_it FROM orders
-->   |        ^^^^^^^^^^^^^^^
--> hint: columns are: id, amount, customer

SELECT customer.nam FROM orders;
--> error: there is no field "nam" in the struct
--> 1 | SELECT customer.nam FROM orders
-->   |                 ^^^
--> hint: did you mean "name"?

SELECT x.id FROM orders o;
--> error: there is no table, alias or column "x"
--> 1 | SELECT x.id FROM orders o
-->   |        ^
--> hint: did you mean "o"?

SELECT * FROM ordrs;
--> error: there is no topic or stream "ordrs"
--> 1 | SELECT * FROM ordrs
-->   |               ^^^^^
--> hint: did you mean "orders"?

SELECT * FROM zebra;
--> error: there is no topic or stream "zebra"
--> 1 | SELECT * FROM zebra
-->   |               ^^^^^
--> hint: SHOW TOPICS lists them

SELECT coutn(*) FROM orders;
--> error: there is no function "coutn"
--> 1 | SELECT coutn(*) FROM orders
-->   |        ^^^^^
--> hint: did you mean "count"?

SELECT sum(id, amount) FROM orders;
--> error: there is no function sum(INT, DOUBLE)
--> hint: it can be called as sum(Decimal), sum(UBIGINT), sum(BIGINT), sum(DOUBLE), sum(Duration), sum(Interval)

SELECT * FROM errors('ordes');
--> error: there is no topic or stream "ordes"
--> 1 | SELECT * FROM errors('ordes')
-->   |               ^^^^^^
--> hint: did you mean "orders"?

DESCRIBE ordes;
--> error: there is no topic or stream "ordes"
--> 1 | DESCRIBE ordes
-->   |          ^^^^^
--> hint: did you mean "orders"?

INSERT INTO ordes VALUES (1);
--> error: there is no topic or stream "ordes"
--> 1 | INSERT INTO ordes VALUES (1)
-->   |             ^^^^^
--> hint: did you mean "orders"?

SELECT id FROM orders WHERE ammount > 1 AND custmer.name = 'x';
--> error: there is no column "ammount"
--> 1 | SELECT id FROM orders WHERE ammount > 1 AND custmer.name = 'x'
-->   |                             ^^^^^^^
--> hint: did you mean "amount"?

SELECT o.id FROM orders AS big JOIN orders AS small ON big.id = small.id;
--> error: there is no table, alias or column "o"
--> 1 | SELECT o.id FROM orders AS big JOIN orders AS small ON big.id = small.id
-->   |        ^
--> hint: the statement reads from: big, small

SELECT custmer.name FROM orders;
--> error: there is no table, alias or column "custmer"
--> 1 | SELECT custmer.name FROM orders
-->   |        ^^^^^^^
--> hint: did you mean "customer"?

SELECT orders.id FROM orders o;
--> error: there is no table, alias or column "orders"
--> 1 | SELECT orders.id FROM orders o
-->   |        ^^^^^^
--> hint: did you mean "o"?

SELECT id FROM orders WHERE customer.name = "ada";
--> error: there is no column "ada"
--> 1 | SELECT id FROM orders WHERE customer.name = "ada"
-->   |                                             ^^^^^
--> hint: text stands in single quotes: 'ada'

SELECT order.* FROM orders;
--> error: there is no table or alias "order"
--> 1 | SELECT order.* FROM orders
-->   |        ^^^^^
--> hint: did you mean "orders"?

SELECT id FROM orders WHERE amount > 'much' AND id + customer.name > 1;
--> error: INT + VARCHAR cannot be computed
--> hint: CAST(x AS DOUBLE) makes another type of x

SELECT id FROM orders ORDER BY nope;
--> error: there is no column "nope"
--> 1 | SELECT id FROM orders ORDER BY nope
-->   |                                ^^^^
--> hint: columns are: id, amount, customer

INSERT INTO orders (nope) VALUES (1);
--> error: there is no column "nope"
--> 1 | INSERT INTO orders (nope) VALUES (1)
-->   |                     ^^^^
--> hint: columns are: id, amount, customer

INSERT INTO orders VALUES (1);
--> error: row 1 of VALUES has 1 value, not 3
--> hint: for some of the columns, name them: INSERT INTO topic (a, b) VALUES …

SHOW databases;
--> error: there is no setting "databases"
--> 1 | SHOW databases
-->   |      ^^^^^^^^^
--> hint: SHOW takes TOPICS, STREAMS, TABLES, FUNCTIONS, SETTINGS or the name of a setting

SELECT _ofset FROM orders;
--> error: there is no column "_ofset"
--> 1 | SELECT _ofset FROM orders
-->   |        ^^^^^^
--> hint: did you mean "_offset"?

SELECT max(amount), id FROM orders;
--> error: column "id" is neither grouped nor inside an aggregate function
--> 1 | SELECT max(amount), id FROM orders
-->   |                     ^^
--> hint: add GROUP BY id, or take max(id), say

SELECT region FROM orders HAVING count(*) > 1;
--> error: there is no column "region"
--> 1 | SELECT region FROM orders HAVING count(*) > 1
-->   |        ^^^^^^
--> hint: columns are: id, amount, customer

SELECT now() - '1h';
--> error: TIMESTAMP(ns) - VARCHAR cannot be computed
--> hint: a length of time is INTERVAL '1 hour'

SELECT id FROM orders LAST;
--> error: LAST needs a number of records
--> 1 | SELECT id FROM orders LAST
-->   |                       ^^^^
--> hint: write orders LAST 10; an alias of that name needs AS

SELECT "last".id FROM orders AS "last";
--> ┌─────┐
--> │  id │
--> │ INT │
--> ├─────┤
--> └─────┘
