-- How often each chart wrote each key of its state, over the last week; estimated where runs were sampled out.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
),
writes AS (
    SELECT
        chart,
        traceid,
        coalesce(weight, 1) AS stands_for,
        regexp_extract(line, 'Write ([^ ]+) = ', 1) AS state_key
    FROM latest
    CROSS JOIN UNNEST(narrative) AS story (line)
    WHERE place = 1 AND line LIKE '%Step %: Write % = %'
),
by_run AS (
    SELECT chart, state_key, traceid, max(stands_for) AS stands_for, count(*) AS writes
    FROM writes
    GROUP BY chart, state_key, traceid
)
SELECT
    chart,
    state_key,
    CAST(round(sum(writes * stands_for)) AS bigint) AS writes,
    CAST(round(sum(stands_for)) AS bigint) AS runs
FROM by_run
GROUP BY chart, state_key
ORDER BY chart, writes DESC
