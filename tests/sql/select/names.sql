-- Names keep their case and match in any case when only one name can be meant.
CREATE STREAM Orders (orderId BIGINT, Region VARCHAR, amount DECIMAL(10, 2)) WITH (kafka_topic = 'orders', value_format = 'json', partitions = 2);
--> created stream Orders, topic orders made with 2 partitions

INSERT INTO orders (orderId, Region, amount, _partition, _timestamp) VALUES
  (1, 'EU', 10.50, 0, '2026-01-01T00:00:00Z'),
  (2, 'US', 99.99, 1, '2026-01-01T00:00:01Z'),
  (3, NULL, 0.01, 0, '2026-01-01T00:00:02Z');
--> inserted 3 records

SELECT * FROM orders ORDER BY orderId;
--> ┌─────────┬─────────┬───────────────┐
--> │ orderId │ Region  │        amount │
--> │  BIGINT │ VARCHAR │ DECIMAL(10,2) │
--> ├─────────┼─────────┼───────────────┤
--> │       1 │ EU      │         10.50 │
--> │       2 │ US      │         99.99 │
--> │       3 │ NULL    │          0.01 │
--> └─────────┴─────────┴───────────────┘

-- An alias is not there yet in WHERE.
SELECT ORDERID, region AS Land FROM ORDERS WHERE LAND IS NULL;
--> error: there is no column "Land"
--> 1 | SELECT ORDERID, region AS Land FROM ORDERS WHERE LAND IS NULL
-->   |                                                  ^^^^
--> hint: columns are: orderId, Region, amount

SELECT ORDERID, region AS Land FROM ORDERS WHERE REGION IS NULL OR Amount > 50 ORDER BY LAND, orderid;
--> ┌─────────┬─────────┐
--> │ orderId │ Land    │
--> │  BIGINT │ VARCHAR │
--> ├─────────┼─────────┤
--> │       2 │ US      │
--> │       3 │ NULL    │
--> └─────────┴─────────┘

SELECT orderid, region AS Land FROM orders WHERE amount > 50 ORDER BY land;
--> ┌─────────┬─────────┐
--> │ orderId │ Land    │
--> │  BIGINT │ VARCHAR │
--> ├─────────┼─────────┤
--> │       2 │ US      │
--> └─────────┴─────────┘

SELECT "orderId" FROM orders WHERE "Region" = 'EU';
--> ┌─────────┐
--> │ orderId │
--> │  BIGINT │
--> ├─────────┤
--> │       1 │
--> └─────────┘

SELECT "orderid" FROM orders;
--> error: there is no column "orderid"
--> 1 | SELECT "orderid" FROM orders
-->   |        ^^^^^^^^^
--> hint: did you mean "orderId"?
