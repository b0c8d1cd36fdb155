-- The twenty longest runs of the last week.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
)
SELECT durationms, chart, status, startedat, traceid
FROM latest
WHERE place = 1
ORDER BY durationms DESC
LIMIT 20
