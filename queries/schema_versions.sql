-- @desc Which schema the records of orders were written with, and since when
SELECT _schema_id AS schema_id, count(*) AS records,
       min(_timestamp) AS oldest, max(_timestamp) AS newest
FROM orders
WHERE _error IS NULL
GROUP BY _schema_id
ORDER BY schema_id;
