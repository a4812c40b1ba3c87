-- Statements that name no topic read nothing.
SELECT 1 + 1 AS two, 'a' || 'b' AS ab, NULL AS nothing;
--@ receipt
--> ┌────────┬─────────┬─────────┐
--> │    two │ ab      │ nothing │
--> │ BIGINT │ VARCHAR │ NULL    │
--> ├────────┼─────────┼─────────┤
--> │      2 │ ab      │ NULL    │
--> └────────┴─────────┴─────────┘
--> receipt: 1 rows

VALUES (1, 'x'), (2, 'y');
--> ┌─────────┬─────────┐
--> │ column1 │ column2 │
--> │  BIGINT │ VARCHAR │
--> ├─────────┼─────────┤
--> │       1 │ x       │
--> │       2 │ y       │
--> └─────────┴─────────┘

SELECT upper('straße') AS up, DATE '2026-02-28' + INTERVAL '1 day' AS tomorrow;
--> ┌─────────┬────────────┐
--> │ up      │ tomorrow   │
--> │ VARCHAR │ DATE       │
--> ├─────────┼────────────┤
--> │ STRASSE │ 2026-03-01 │
--> └─────────┴────────────┘
