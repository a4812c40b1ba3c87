-- SET, UNSET and SHOW.
SET on_error = skip;

SHOW on_error;

SET on_eror = skip;

SET batch_rows = 0;

SET format = 'csv';

UNSET on_error;

SHOW on_error;

SET max_rows = 2;

SELECT * FROM (VALUES (1), (2), (3)) AS v (n) ORDER BY n;

SHOW FUNCTIONS 'octet';
