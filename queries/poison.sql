-- @desc Records of orders that cannot be decoded: where they are, and why
SELECT _partition, _offset, _timestamp, _key, _error, left(encode(_value, 'hex'), 24) AS begins
FROM errors('orders')
ORDER BY _timestamp, _offset
LIMIT 10;
