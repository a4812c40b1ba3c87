-- @desc  Payments that came long after their order: a join of an Avro topic and a JSON topic
-- @param after INTERVAL = '2 hours' -- how long is late
-- @param n     INT      = 10        -- how many to show, the slowest first
SELECT DISTINCT o.id, o.customer.name AS customer, o.amount, p.method,
       o.created_at AS ordered, p._timestamp AS paid,
       CAST((date_part('epoch', p._timestamp) - date_part('epoch', o.created_at)) / 60 AS BIGINT) AS minutes
FROM orders o
JOIN payments p ON p.order_id = o.id
WHERE p.status = 'settled' AND p._timestamp > o.created_at + :after
ORDER BY minutes DESC, o.id
LIMIT :n;
