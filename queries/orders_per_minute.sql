-- @desc  Orders in each of the newest minutes, by the time the order was made
-- @param n INT = 10 -- how many minutes
-- Orders that reached the topic late are counted in the minute they were made in.
SELECT date_trunc('minute', created_at) AS minute,
       count(DISTINCT id) AS orders,
       count(DISTINCT customer.id) AS customers
FROM orders
WHERE _error IS NULL
GROUP BY minute
ORDER BY minute DESC
LIMIT :n;
