-- How many of a segment's events have each hour, level and service; null where it was written before, or has too many.
ALTER TABLE segments ADD COLUMN rollup bytea;
