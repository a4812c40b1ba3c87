-- @desc How many sessions reach each step of the shop, and how many of those that began it
SELECT step.name AS step,
       count(DISTINCT c.session) AS sessions,
       round(100.0 * count(DISTINCT c.session) / max(count(DISTINCT c.session)) OVER (), 1) AS percent,
       round(avg(c.page.load_ms), 1) AS avg_load_ms
FROM clicks c
JOIN (VALUES (1, 'view'), (2, 'product'), (3, 'cart'), (4, 'checkout'), (5, 'purchase')) AS step (number, name)
  ON step.name = c.event
GROUP BY step.number, step.name
ORDER BY step.number;
