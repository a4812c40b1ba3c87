-- @desc Orders that were delivered and never paid, by region
SELECT region, count(*) AS unpaid, sum(amount) AS missing
FROM (SELECT DISTINCT id, region, amount FROM orders WHERE status = 'delivered') o
WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.status = 'settled')
GROUP BY region
ORDER BY missing DESC;
