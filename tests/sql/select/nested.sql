-- Structs, arrays and maps are columns like any other.
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
--> error: not supported: Dot access not supported for non-string expr: Identifier(Ident { value: "name", quote_style: None, span: Span(Location(1,17)..Location(1,21)) })

SELECT v.id, v.User.Home.ZIP FROM visits v WHERE v.user.home.zip > 1 ORDER BY id;
--> error: not supported: Dot access not supported for non-string expr: Function(Function { name: ObjectName([Identifier(Ident { value: "user", quote_style: Some('"'), span: Span(Location(1,52)..Location(1,56)) })]), uses_odbc_syntax: false, parameters: None, args: None, filter: None, null_treatment: None, over: None, within_group: [] })

SELECT id, unnest(tags) AS tag FROM visits ORDER BY id, tag;
--> ┌────────┬─────────┐
--> │     id │ tag     │
--> │ BIGINT │ VARCHAR │
--> ├────────┼─────────┤
--> │      1 │ new     │
--> │      1 │ vip     │
--> └────────┴─────────┘
