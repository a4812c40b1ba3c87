-- PRINT shows records as they are.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--@ produce t 0 k0 {"a":1}
--@ produce t 0 k1 not json
--@ produce t 0 k2 NULL
--> created stream t, topic t made with 1 partition

PRINT t FROM BEGINNING LIMIT 2;
--> notice: t: key raw bytes; value json, declared
--> ┌────────────┬─────────┬──────────────────────┬─────────┬──────────┬──────────┬────────────────────────────────────────────────────────────────────┐
--> │ _partition │ _offset │ _timestamp           │ _key    │ value    │ _headers │ _error                                                             │
--> │        INT │  BIGINT │ TIMESTAMP            │ VARCHAR │ VARCHAR  │ STRUCT[] │ VARCHAR                                                            │
--> ├────────────┼─────────┼──────────────────────┼─────────┼──────────┼──────────┼────────────────────────────────────────────────────────────────────┤
--> │          0 │       0 │ 2023-11-14T22:13:20Z │ k0      │ {"a":1}  │ []       │ NULL                                                               │
--> │          0 │       1 │ 2023-11-14T22:13:20Z │ k1      │ not json │ []       │ the record is not JSON: true, false or null was expected at byte 0 │
--> └────────────┴─────────┴──────────────────────┴─────────┴──────────┴──────────┴────────────────────────────────────────────────────────────────────┘

PRINT t LIMIT 1;
--> notice: t: key raw bytes; value json, declared
--> ┌────────────┬─────────┬──────────────────────┬─────────┬─────────┬──────────┬─────────┐
--> │ _partition │ _offset │ _timestamp           │ _key    │ value   │ _headers │ _error  │
--> │        INT │  BIGINT │ TIMESTAMP            │ VARCHAR │ VARCHAR │ STRUCT[] │ VARCHAR │
--> ├────────────┼─────────┼──────────────────────┼─────────┼─────────┼──────────┼─────────┤
--> │          0 │       2 │ 2023-11-14T22:13:20Z │ k2      │ NULL    │ []       │ NULL    │
--> └────────────┴─────────┴──────────────────────┴─────────┴─────────┴──────────┴─────────┘

PRINT tt;
--> error: there is no topic or stream "tt"
--> 1 | PRINT tt
-->   |       ^^
--> hint: did you mean "t"?
