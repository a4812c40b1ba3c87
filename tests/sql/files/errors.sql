-- Files that are not there or not readable.
SELECT * FROM 'nowhere.csv';

SELECT * FROM 'nowhere.xls';

COPY (SELECT 1) TO 'x.xls';

COPY (SELECT 1 AS n);
