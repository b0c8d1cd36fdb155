-- Which rule decided how often, and for which branch, over the last week; estimated where runs were sampled out.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
),
decisions AS (
    SELECT
        chart,
        coalesce(weight, 1) AS stands_for,
        regexp_extract(line, '(Rule [0-9]+( "[^"]*")?|examined "[^"]*"|default( "[^"]*")?)', 1) AS rule,
        regexp_extract(line, '(and chose |path taken was |default( "[^"]*")?: )(.*)[.]$', 3) AS chosen
    FROM latest
    CROSS JOIN UNNEST(narrative) AS story (line)
    WHERE place = 1 AND line LIKE '%[Condition]: %'
)
SELECT
    chart,
    chosen,
    coalesce(nullif(rule, ''), '(no rule)') AS rule,
    CAST(round(sum(stands_for)) AS bigint) AS decisions
FROM decisions
GROUP BY chart, chosen, rule
ORDER BY chart, decisions DESC
