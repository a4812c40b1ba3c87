-- EXPLAIN shows what a scan reads and decodes.
CREATE STREAM t (a INT, b VARCHAR, c STRUCT<d INT, e INT>) WITH (kafka_topic = 't', value_format = 'json', partitions = 2);
--> created stream t, topic t made with 2 partitions

INSERT INTO t (_partition, a) VALUES (0, 1), (1, 2);
--> inserted 2 records

EXPLAIN SELECT count(*) FROM t;
--> logical plan:
-->   Projection: count(Int64(1)) AS count(*)
-->     Aggregate: groupBy=[[]], aggr=[[count(Int64(1))]]
-->       TableScan: t projection=[]
--> physical plan:
-->   ProjectionExec: expr=[count(Int64(1))@0 as count(*)]
-->     AggregateExec: mode=Final, gby=[], aggr=[count(Int64(1))]
-->       CoalescePartitionsExec
-->         AggregateExec: mode=Partial, gby=[], aggr=[count(Int64(1))]
-->           TopicScan: topic=t, format=json, columns=[], partitions=2 of 2, offsets=4 of 4, reads=[], decodes=nothing, order=any, reader=memory

EXPLAIN SELECT a FROM t WHERE _partition = 1 AND b = 'x';
--> logical plan:
-->   Projection: t.a
-->     Filter: t.b = Utf8("x")
-->       TableScan: t projection=[a, b], full_filters=[t._partition = Int32(1)]
--> physical plan:
-->   FilterExec: b@1 = x, projection=[a@0]
-->     CooperativeExec
-->       TopicScan: topic=t, format=json, columns=[a, b], partitions=1 of 2, offsets=2 of 4, reads=[positions, values], decodes=values, before decode: [_partition = Int32(1)], order=by partition and offset, reader=memory

EXPLAIN SELECT c.d FROM t WHERE _key = 'x' LIMIT 1;
--> logical plan:
-->   Projection: __datafusion_extracted_1 AS d
-->     Limit: skip=0, fetch=1
-->       Projection: get_field(t.c, Utf8("d")) AS __datafusion_extracted_1
-->         TableScan: t projection=[c], full_filters=[t._key = Utf8View("x")], fetch=1
--> physical plan:
-->   ProjectionExec: expr=[get_field(c@0, d) as d]
-->     GlobalLimitExec: skip=0, fetch=1
-->       CooperativeExec
-->         TopicScan: topic=t, format=json, columns=[c{d}], partitions=2 of 2, offsets=4 of 4, reads=[positions, keys, values], decodes=values, before decode: [_key = Utf8View("x")], limit=1, order=by partition and offset, reader=memory

EXPLAIN SELECT a FROM t LAST 5;
--> logical plan:
-->   SubqueryAlias: t
-->     TableScan: t LAST 5 projection=[a]
--> physical plan:
-->   ProjectionExec: expr=[a@0 as a]
-->     CooperativeExec
-->       TopicScan: topic=t, format=json, columns=[a, _partition, _offset], partitions=2 of 2, offsets=2 of 4, reads=[positions, values], decodes=values, newest=2, order=by partition and offset, reader=memory
