-- information_schema lists topics and streams with their columns; book-keeping topics are left out.
CREATE STREAM t (a INT, b VARCHAR) WITH (kafka_topic = 't', value_format = 'json', partitions = 1);
--> created stream t, topic t made with 1 partition

CREATE STREAM renamed (x DOUBLE) WITH (kafka_topic = 't', value_format = 'json');
--> created stream renamed over topic t

SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1;
--> ┌────────────┐
--> │ table_name │
--> │ VARCHAR    │
--> ├────────────┤
--> │ renamed    │
--> │ t          │
--> └────────────┘

SELECT column_name, ordinal_position FROM information_schema.columns WHERE table_name = 't' ORDER BY 2;
--> ┌─────────────┬──────────────────┐
--> │ column_name │ ordinal_position │
--> │ VARCHAR     │  BIGINT UNSIGNED │
--> ├─────────────┼──────────────────┤
--> │ a           │                1 │
--> │ b           │                2 │
--> └─────────────┴──────────────────┘
