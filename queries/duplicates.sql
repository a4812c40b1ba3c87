-- @desc  Orders that are in the topic more than once
-- @param n INT = 10 -- how many to show
SELECT id, count(*) AS copies, min(_partition) AS partition, min(_offset) AS first, max(_offset) AS last
FROM orders
WHERE _error IS NULL
GROUP BY id
HAVING count(*) > 1
ORDER BY id
LIMIT :n;
