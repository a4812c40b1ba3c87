-- SET, UNSET and SHOW.
SET on_error = skip;
--> on_error = skip

SHOW on_error;
--> ┌──────────┬─────────┬─────────┬────────────────────┬────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
--> │ setting  │ value   │ default │ allowed            │ description                                                                                                                        │
--> │ VARCHAR  │ VARCHAR │ VARCHAR │ VARCHAR            │ VARCHAR                                                                                                                            │
--> ├──────────┼─────────┼─────────┼────────────────────┼────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┤
--> │ on_error │ skip    │ null    │ null | skip | fail │ What becomes of a record that cannot be decoded: its row stays with NULL columns and `_error` set, is left out, or ends the query. │
--> └──────────┴─────────┴─────────┴────────────────────┴────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

SET on_eror = skip;
--> error: there is no setting "on_eror"
--> 1 | SET on_eror = skip
-->   |     ^^^^^^^
--> hint: did you mean "on_error"?

SET batch_rows = 0;
--> error: batch_rows cannot be '0'
--> 1 | SET batch_rows = 0
-->   |                  ^
--> hint: a whole number from 1 to 1000000

SET format = 'csv';
--> format = csv

UNSET on_error;
--> on_error = null

SHOW on_error;
--> ┌──────────┬─────────┬─────────┬────────────────────┬────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
--> │ setting  │ value   │ default │ allowed            │ description                                                                                                                        │
--> │ VARCHAR  │ VARCHAR │ VARCHAR │ VARCHAR            │ VARCHAR                                                                                                                            │
--> ├──────────┼─────────┼─────────┼────────────────────┼────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┤
--> │ on_error │ null    │ null    │ null | skip | fail │ What becomes of a record that cannot be decoded: its row stays with NULL columns and `_error` set, is left out, or ends the query. │
--> └──────────┴─────────┴─────────┴────────────────────┴────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

SET max_rows = 2;
--> max_rows = 2

SELECT * FROM (VALUES (1), (2), (3)) AS v (n) ORDER BY n;
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      1 │
--> │      2 │
--> └────────┘
--> incomplete: cut after 2 rows (max_rows)

SHOW FUNCTIONS LIKE 'octet';
--> ┌──────────────┬─────────┬──────────────────────────────────────────┐
--> │ function     │ kind    │ description                              │
--> │ VARCHAR      │ VARCHAR │ VARCHAR                                  │
--> ├──────────────┼─────────┼──────────────────────────────────────────┤
--> │ octet_length │ scalar  │ Returns the length of a string in bytes. │
--> └──────────────┴─────────┴──────────────────────────────────────────┘
