-- @desc  Each customer as it is now: the newest record of every key, without those that were deleted
-- @param tier VARCHAR = 'gold' -- which customers
-- @param n    INT     = 10     -- how many to show
-- A record without a value (a tombstone) deletes its key.
SELECT id, name, tier, country, credit_limit, changed
FROM (
  SELECT id, name, tier, country, credit_limit, _timestamp AS changed, _value IS NULL AS deleted,
         row_number() OVER (PARTITION BY _key ORDER BY _offset DESC) AS age
  FROM customers
)
WHERE age = 1 AND NOT deleted AND tier = :tier
ORDER BY changed DESC, id
LIMIT :n;
