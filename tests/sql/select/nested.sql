-- Structs, arrays and maps are columns like any other.
CREATE STREAM visits (
  id BIGINT,
  user STRUCT<name VARCHAR, home STRUCT<city VARCHAR, zip INT>>,
  tags ARRAY<VARCHAR>,
  marks MAP<VARCHAR, INT>
) WITH (kafka_topic = 'visits', value_format = 'json', partitions = 1);
--@ produce visits 0 a {"id":1,"user":{"name":"Ada","home":{"city":"Paris","zip":75001}},"tags":["new","vip"],"marks":{"x":1,"y":2}}
--@ produce visits 0 b {"id":2,"user":{"name":"Bob"},"tags":[],"marks":{}}
--@ produce visits 0 c {"id":3}

SELECT * FROM visits ORDER BY id;

SELECT id, user.name, user.home.city AS city, tags[1] AS first, marks['y'] AS y FROM visits ORDER BY id;

SELECT v.id, v.User.Home.ZIP FROM visits v WHERE v.user.home.zip > 1 ORDER BY id;

SELECT id, unnest(tags) AS tag FROM visits ORDER BY id, tag;
