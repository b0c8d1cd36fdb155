-- The latest hundred failures: where, what, and the trace to open.
WITH latest AS (
    SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC) AS place
    FROM traces
    WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
)
SELECT startedat, chart, errorstage, errortype, errormessage, traceid
FROM latest
WHERE place = 1 AND status = 'failed'
ORDER BY traceid DESC
LIMIT 100
