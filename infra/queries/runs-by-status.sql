-- Runs by chart and status, with their durations, over the last week; estimated where some were sampled out.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
),
runs AS (
    SELECT *, coalesce(weight, 1) AS stands_for
    FROM latest
    WHERE place = 1
)
SELECT
    chart,
    status,
    CAST(round(sum(stands_for)) AS bigint) AS runs,
    round(sum(durationms * stands_for) / sum(CASE WHEN durationms IS NOT NULL THEN stands_for END), 2) AS average_ms,
    max(durationms) AS longest_ms,
    min(startedat) AS first_start,
    max(startedat) AS last_start,
    count(*) AS kept
FROM runs
GROUP BY chart, status
ORDER BY chart, runs DESC
