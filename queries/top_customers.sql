-- @desc  Customers who spent the most
-- @param since INTERVAL = '30 days' -- how far back
-- @param n     INT      = 5         -- how many customers
-- Some orders are in the topic twice: DISTINCT counts them once.
SELECT customer_id, name, count(*) AS orders, sum(amount) AS spent
FROM (
  SELECT DISTINCT id, customer.id AS customer_id, customer.name AS name, amount
  FROM orders
  WHERE _timestamp >= now() - :since AND _error IS NULL
)
GROUP BY customer_id, name
ORDER BY spent DESC, customer_id
LIMIT :n;
