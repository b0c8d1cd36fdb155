-- How often each chart wrote each key of its state, over the last week.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
),
writes AS (
    SELECT chart, traceid, regexp_extract(line, 'Write ([^ ]+) = ', 1) AS state_key
    FROM latest
    CROSS JOIN UNNEST(narrative) AS story (line)
    WHERE place = 1 AND line LIKE '%Step %: Write % = %'
)
SELECT chart, state_key, count(*) AS writes, count(DISTINCT traceid) AS runs
FROM writes
GROUP BY chart, state_key
ORDER BY chart, writes DESC
