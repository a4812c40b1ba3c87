-- Files that are not there or not readable.
SELECT * FROM 'nowhere.csv';
--> error: there is no file 'nowhere.csv'
--> 1 | SELECT * FROM 'nowhere.csv'
-->   |               ^^^^^^^^^^^^^

SELECT * FROM 'nowhere.xls';
--> error: there is no topic, stream or file "nowhere.xls"
--> 1 | SELECT * FROM 'nowhere.xls'
-->   |               ^^^^^^^^^^^^^
--> hint: memory has no topics yet; `weir demo` makes some to try

COPY (SELECT 1) TO 'x.xls';
--> error: 'x.xls' does not say what to write
--> 1 | COPY (SELECT 1) TO 'x.xls'
-->   |                    ^^^^^^^
--> hint: end its name with .parquet, .csv, .tsv, .json, .ndjson or .arrow

COPY (SELECT 1 AS n);
--> error: expected TO, found the end of the statement
--> 1 | COPY (SELECT 1 AS n)
-->   |                     ^
