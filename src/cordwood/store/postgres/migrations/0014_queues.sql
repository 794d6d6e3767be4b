-- Which queue a worker found empty: of another queue it says nothing. '' is of a worker that did not tell.
ALTER TABLE workers ADD COLUMN queue text NOT NULL DEFAULT '';
