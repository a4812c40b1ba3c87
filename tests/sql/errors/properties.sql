-- A property that is refused is pointed at, with what would do.
CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'xml');
--> error: there is no format 'xml'
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'xml')
-->   |                                                                 ^^^^^
--> hint: one of: avro, json, kafka, raw

CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'jsn', partitions = 1);
--> error: there is no format 'jsn'
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'jsn', partitions = 1)
-->   |                                                                 ^^^^^
--> hint: did you mean 'json'? One of: avro, json, kafka, raw

CREATE STREAM t (a INT KEY, b INT) WITH (kafka_topic = 't', key_format = 'thrift', value_format = 'json');
--> error: there is no format 'thrift'
--> 1 | …(kafka_topic = 't', key_format = 'thrift', value_format = 'json')
-->   |                                   ^^^^^^^^
--> hint: one of: avro, json, kafka, raw

CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 'many');
--> error: partitions cannot be 'many'
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 'many')
-->   |                                                                                      ^^^^^^
--> hint: a whole number of at least 1

CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 0);
--> error: partitions cannot be '0'
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 0)
-->   |                                                                                      ^
--> hint: a whole number of at least 1

CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2000000000);
--> error: a topic has 1 to 10000 partitions, not 2000000000
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2000000000)
-->   |                                                                                      ^^^^^^^^^^

CREATE STREAM t (a INT) WITH (kafka_topic = 'a topic with spaces', value_format = 'json');
--> error: topic name "a topic with spaces" is not allowed: it may only have letters, digits, '.', '_' and '-'
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topic = 'a topic with spaces', value_format = 'json')
-->   |                                             ^^^^^^^^^^^^^^^^^^^^^

CREATE STREAM t WITH (kafka_topic = 'not_there');
--> error: there is no topic not_there
--> 1 | CREATE STREAM t WITH (kafka_topic = 'not_there')
-->   |                                     ^^^^^^^^^^^
--> hint: declare columns and a value_format to make it

CREATE STREAM t (a INT) WITH (kafka_topc = 't', value_format = 'json');
--> error: CREATE STREAM has no property "kafka_topc"
--> 1 | CREATE STREAM t (a INT) WITH (kafka_topc = 't', value_format = 'json')
-->   |                               ^^^^^^^^^^
--> hint: did you mean kafka_topic?

CREATE STREAM t (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--> created stream t, topic t made with 2 partitions

CREATE STREAM u (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 3);
--> error: topic t has 2 partitions, not 3
--> 1 | CREATE STREAM u (a INT) WITH (kafka_topic = 't', value_format = 'json', partitions = 3)
-->   |                                                                                      ^
--> hint: leave partitions out, or name another topic

CREATE STREAM u (a INT);
--> error: stream u declares columns but no format
--> 1 | CREATE STREAM u (a INT)
-->   |               ^
--> hint: add value_format = 'json' or 'avro' to WITH
