-- @desc  All records with one key, where they are and what they hold
-- @param key VARCHAR = '42' -- an order's number
-- No value is decoded but those of the records found.
SELECT _partition, _offset, _timestamp, id, customer.name AS customer, amount, status
FROM orders
WHERE _key = :key
ORDER BY _partition, _offset;
