-- Runs by chart and status, with their durations, over the last week.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
)
SELECT
    chart,
    status,
    count(*) AS runs,
    round(avg(durationms), 2) AS average_ms,
    max(durationms) AS longest_ms,
    min(startedat) AS first_start,
    max(startedat) AS last_start
FROM latest
WHERE place = 1
GROUP BY chart, status
ORDER BY chart, runs DESC
