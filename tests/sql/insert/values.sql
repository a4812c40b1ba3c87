-- INSERT appends records; columns that are not named are NULL.
CREATE STREAM t (a INT, b VARCHAR, c BOOLEAN) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

INSERT INTO t VALUES (1, 'one', true);
--> inserted 1 record

INSERT INTO t (b, a) VALUES ('two', 2), (NULL, 3);
--> inserted 2 records

SELECT _offset, a, b, c FROM t ORDER BY _offset;
--> ┌─────────┬─────┬─────────┬─────────┐
--> │ _offset │   a │ b       │ c       │
--> │  BIGINT │ INT │ VARCHAR │ BOOLEAN │
--> ├─────────┼─────┼─────────┼─────────┤
--> │       0 │   1 │ one     │ true    │
--> │       1 │   2 │ two     │ NULL    │
--> │       2 │   3 │ NULL    │ NULL    │
--> └─────────┴─────┴─────────┴─────────┘

SELECT _raw FROM t ORDER BY _offset;
--> ┌────────────────────────────┐
--> │ _raw                       │
--> │ VARCHAR                    │
--> ├────────────────────────────┤
--> │ {"a":1,"b":"one","c":true} │
--> │ {"a":2,"b":"two","c":null} │
--> │ {"a":3,"b":null,"c":null}  │
--> └────────────────────────────┘

INSERT INTO t (a) VALUES ('not a number');
--> error: Cannot cast string 'not a number' to value of INT type

INSERT INTO t (a, d) VALUES (1, 2);
--> error: there is no column "d"
--> 1 | INSERT INTO t (a, d) VALUES (1, 2)
-->   |                   ^
--> hint: columns are: a, b, c

INSERT INTO t VALUES (1, 'too few');
--> error: row 1 of VALUES has 2 values, not 3
--> hint: for some of the columns, name them: INSERT INTO topic (a, b) VALUES …

-- Nothing of a failed statement is there.
SELECT count(*) AS n FROM t;
--> ┌────────┐
--> │      n │
--> │ BIGINT │
--> ├────────┤
--> │      3 │
--> └────────┘
