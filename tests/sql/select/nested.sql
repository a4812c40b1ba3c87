-- Structs, arrays and maps are columns like any other, also one that is called user.
CREATE STREAM visits (
  id BIGINT,
  user STRUCT<name VARCHAR, home STRUCT<city VARCHAR, zip INT>>,
  tags ARRAY<VARCHAR>,
  marks MAP(VARCHAR, INT)
) WITH (kafka_topic = 'visits', value_format = 'json', partitions = 1);
--@ produce visits 0 a {"id":1,"user":{"name":"Ada","home":{"city":"Paris","zip":75001}},"tags":["new","vip"],"marks":{"x":1,"y":2}}
--@ produce visits 0 b {"id":2,"user":{"name":"Bob"},"tags":[],"marks":{}}
--@ produce visits 0 c {"id":3}
--> created stream visits, topic visits made with 1 partition

SELECT * FROM visits ORDER BY id;
--> ┌────────┬──────────────────────────────────────────────┬────────────┬──────────────┐
--> │     id │ user                                         │ tags       │ marks        │
--> │ BIGINT │ STRUCT                                       │ VARCHAR[]  │ MAP          │
--> ├────────┼──────────────────────────────────────────────┼────────────┼──────────────┤
--> │      1 │ {name: Ada, home: {city: Paris, zip: 75001}} │ [new, vip] │ {x: 1, y: 2} │
--> │      2 │ {name: Bob, home: NULL}                      │ []         │ {}           │
--> │      3 │ NULL                                         │ NULL       │ NULL         │
--> └────────┴──────────────────────────────────────────────┴────────────┴──────────────┘

SELECT id, user.name, user.home.city AS city, tags[1] AS first, marks['y'] AS y FROM visits ORDER BY id;
--> ┌────────┬─────────┬─────────┬─────────┬──────┐
--> │     id │ name    │ city    │ first   │    y │
--> │ BIGINT │ VARCHAR │ VARCHAR │ VARCHAR │  INT │
--> ├────────┼─────────┼─────────┼─────────┼──────┤
--> │      1 │ Ada     │ Paris   │ new     │    2 │
--> │      2 │ Bob     │ NULL    │ NULL    │ NULL │
--> │      3 │ NULL    │ NULL    │ NULL    │ NULL │
--> └────────┴─────────┴─────────┴─────────┴──────┘

SELECT v.id, v.User.Home.ZIP FROM visits v WHERE v.user.home.zip > 1 ORDER BY id;
--> ┌────────┬───────┐
--> │     id │   zip │
--> │ BIGINT │   INT │
--> ├────────┼───────┤
--> │      1 │ 75001 │
--> └────────┴───────┘

SELECT id, unnest(tags) AS tag FROM visits ORDER BY id, tag;
--> ┌────────┬─────────┐
--> │     id │ tag     │
--> │ BIGINT │ VARCHAR │
--> ├────────┼─────────┤
--> │      1 │ new     │
--> │      1 │ vip     │
--> └────────┴─────────┘
