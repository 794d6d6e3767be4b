-- How many of a day's events are kept as rows beside the segments that answer for them: what an audit counts in `logs`.
ALTER TABLE holdings ADD COLUMN kept_rows bigint NOT NULL DEFAULT 0;
UPDATE holdings h SET kept_rows = counted.events FROM (
    SELECT tenant, floor(extract(epoch FROM ts) / 86400)::integer AS day, count(*) AS events FROM logs GROUP BY 1, 2
) counted
WHERE h.tenant = counted.tenant AND h.day = counted.day AND (SELECT answers FROM keeping) = 'segments';
