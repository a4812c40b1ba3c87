-- Statements that name no topic read nothing.
SELECT 1 + 1 AS two, 'a' || 'b' AS ab, NULL AS nothing;
--@ receipt

VALUES (1, 'x'), (2, 'y');

SELECT upper('straße') AS up, DATE '2026-02-28' + INTERVAL '1 day' AS tomorrow;
