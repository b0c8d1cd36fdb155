-- Traces archived with more than one document for the same revision: there should be none.
SELECT
    traceid,
    revision,
    count(DISTINCT sha256) AS documents,
    min(sentat) AS first_sent,
    max(sentat) AS last_sent
FROM traces
WHERE dt >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
GROUP BY traceid, revision
HAVING count(DISTINCT sha256) > 1
ORDER BY traceid
