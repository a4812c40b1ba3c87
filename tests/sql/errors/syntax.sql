-- Text that is not SQL.
SELEC 1;
--> error: this is not a statement weir knows
--> 1 | SELEC 1
-->   | ^^^^^
--> hint: did you mean SELECT?

SELECT FROM WHERE;
--> error: there is no topic or stream "WHERE"
--> 1 | SELECT FROM WHERE
-->   |             ^^^^^
--> hint: memory has no topics yet; `weir demo` makes some to try

SELECT (1;
--> error: expected ), found the end of the statement
--> 1 | SELECT (1
-->   |         ^

FLY TO THE MOON;
--> error: this is not a statement weir knows
--> 1 | FLY TO THE MOON
-->   | ^^^
--> hint: statements start with one of: SELECT, WITH, VALUES, EXPLAIN, INSERT, CREATE, DROP, COPY, SHOW, LIST, DESCRIBE, PRINT, SET, UNSET

CREATE TABLE t (a INT);
--> error: expected STREAM, found TABLE
--> 1 | CREATE TABLE t (a INT)
-->   |        ^^^^^
--> hint: weir creates streams: CREATE STREAM name (…) WITH (kafka_topic = …)

SELECT 1 SELECT 2;
--> error: unexpected SELECT after the statement's end
--> 1 | SELECT 1 SELECT 2
-->   |          ^^^^^^
--> hint: put a ; between statements

SELECT 'a' + 1;
--> error: VARCHAR + BIGINT cannot be computed
--> hint: CAST(x AS DOUBLE) makes another type of x

SELECT CAST('x' AS INT) AS n;
--> error: Cannot cast string 'x' to value of INT type

SELECT 1 / 0;
--> error: division by zero

SELECT 1 AS a FORM t;
--> error: unexpected FORM here
--> 1 | SELECT 1 AS a FORM t
-->   |               ^^^^
--> hint: did you mean FROM?

SELECT * FROM t WHER a = 1;
--> error: unexpected WHER here
--> 1 | SELECT * FROM t WHER a = 1
-->   |                 ^^^^
--> hint: did you mean WHERE?

SHOW tabels;
--> error: there is no setting "tabels"
--> 1 | SHOW tabels
-->   |      ^^^^^^
--> hint: did you mean SHOW TABLES?

SELECT * FROM t emit Changes;
--> error: queries end here: EMIT is not supported yet
--> 1 | SELECT * FROM t emit Changes
-->   |                 ^^^^^^^^^^^^
--> hint: leave it out to ask for what the topics hold now
