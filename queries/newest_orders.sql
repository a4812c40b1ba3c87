-- @desc The ten newest orders, whichever partition they are in
-- LAST n reads the end of the topic only, however large it is.
SELECT id, customer.name AS customer, amount, region, status, channel, created_at
FROM orders LAST 10
ORDER BY _timestamp DESC, id DESC;
