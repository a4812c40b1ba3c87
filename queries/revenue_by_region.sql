-- @desc Revenue of each region and its share of the whole
SELECT region,
       count(*) AS orders,
       sum(amount) AS revenue,
       round(100 * CAST(sum(amount) AS DOUBLE) / sum(CAST(sum(amount) AS DOUBLE)) OVER (), 1) AS percent
FROM (SELECT DISTINCT id, region, amount FROM orders WHERE _error IS NULL)
GROUP BY region
ORDER BY revenue DESC;
