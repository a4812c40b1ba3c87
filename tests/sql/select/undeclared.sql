-- A topic nobody described: its columns are inferred from a sample, and DESCRIBE says so.
CREATE STREAM seed (a INT) WITH (kafka_topic = 'clicks', value_format = 'json', partitions = 1);
--@ produce clicks 0 k1 {"page":"/","ms":12,"at":{"x":1.5}}
--@ produce clicks 0 k2 {"page":"/cart","ms":7,"user":"ada"}
--> created stream seed, topic clicks made with 1 partition

DROP STREAM seed;
--> dropped stream seed

SELECT * FROM clicks ORDER BY ms;
--> notice: clicks: columns inferred from 2 records; DESCRIBE clicks shows them
--> ┌─────────┬────────┬──────────┬─────────┐
--> │ page    │     ms │ at       │ user    │
--> │ VARCHAR │ BIGINT │ STRUCT   │ VARCHAR │
--> ├─────────┼────────┼──────────┼─────────┤
--> │ /cart   │      7 │ NULL     │ ada     │
--> │ /       │     12 │ {x: 1.5} │ NULL    │
--> └─────────┴────────┴──────────┴─────────┘

DESCRIBE clicks;
--> notice: topic clicks: 1 partition, 2 offsets
--> notice: key: raw bytes; value: json, inferred from 2 records
--> ┌────────────┬─────────────────────────────────────────┬──────────┬─────────────────────────────────────────────────────────────────────────────────────┐
--> │ column     │ type                                    │ from     │ description                                                                         │
--> │ VARCHAR    │ VARCHAR                                 │ VARCHAR  │ VARCHAR                                                                             │
--> ├────────────┼─────────────────────────────────────────┼──────────┼─────────────────────────────────────────────────────────────────────────────────────┤
--> │ page       │ VARCHAR                                 │ value    │ ''                                                                                  │
--> │ ms         │ BIGINT                                  │ value    │ ''                                                                                  │
--> │ at         │ STRUCT<x DOUBLE>                        │ value    │ ''                                                                                  │
--> │ user       │ VARCHAR                                 │ value    │ ''                                                                                  │
--> │ _key       │ VARCHAR                                 │ metadata │ the record's key, decoded; as text (hex when not UTF-8) where its format is unknown │
--> │ _value     │ BYTES                                   │ metadata │ the value's bytes as they came                                                      │
--> │ _raw       │ VARCHAR                                 │ metadata │ the value as text, NULL when it is not UTF-8                                        │
--> │ _topic     │ VARCHAR                                 │ metadata │ the topic's name                                                                    │
--> │ _partition │ INT                                     │ metadata │ the partition                                                                       │
--> │ _offset    │ BIGINT                                  │ metadata │ the offset in the partition                                                         │
--> │ _timestamp │ TIMESTAMP                               │ metadata │ the record's timestamp                                                              │
--> │ _headers   │ ARRAY<STRUCT<key VARCHAR, value BYTES>> │ metadata │ the headers, in order                                                               │
--> │ _schema_id │ INT                                     │ metadata │ the schema id in front of the value, if any                                         │
--> │ _error     │ VARCHAR                                 │ metadata │ why the record could not be decoded, NULL when it could                             │
--> └────────────┴─────────────────────────────────────────┴──────────┴─────────────────────────────────────────────────────────────────────────────────────┘

SELECT page, at.x FROM clicks WHERE user IS NULL;
--> ┌─────────┬────────┐
--> │ page    │      x │
--> │ VARCHAR │ DOUBLE │
--> ├─────────┼────────┤
--> │ /       │    1.5 │
--> └─────────┴────────┘
