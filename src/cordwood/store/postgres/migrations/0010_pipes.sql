-- What pipes need beyond operators. None of it fails, whatever it is given; null: it is no such thing, or not finite.

-- A double as a value: a whole one beyond 2^53 is kept as those are that jsonb cannot hold, so that it stays a double.
CREATE FUNCTION cordwood_json(number double precision) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN number IS NULL THEN NULL
        WHEN abs(number) < 9007199254740992 THEN to_jsonb(number)
        ELSE jsonb_build_object(U&'\E0C0number', jsonb_build_array(cordwood_spelled(number), cordwood_spelled(number)))
    END
$$;

-- Operators of doubles raise an error where IEEE 754 has infinity, and where a product or quotient is too small for
-- any double. In the middle neither can be.
CREATE FUNCTION cordwood_sum(one double precision, other double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(one) < 8e307 AND abs(other) < 8e307 THEN one + other
        WHEN abs(one) < 1e200 OR abs(other) < 1e200 THEN one + other
        WHEN abs(one / 2 + other / 2) < 8.98846567431158e307 THEN one + other
    END
$$;

-- At the edges the same is computed with factors of 2^600 taken out, which tells whether the operator may be asked.
CREATE FUNCTION cordwood_at_edge(sign text, one double precision, other double precision) RETURNS double precision
LANGUAGE plpgsql STRICT IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    factor CONSTANT double precision := 2::double precision ^ 600;
    great CONSTANT double precision := 2::double precision ^ 300;
    small CONSTANT double precision := 2::double precision ^ -300;
    direction CONSTANT integer := CASE sign WHEN '*' THEN 600 ELSE -600 END;
    a double precision := one;
    b double precision := other;
    outcome double precision;
    taken integer := 0;
BEGIN
    IF other = 0 AND sign = '/' THEN
        RETURN NULL;
    ELSIF one = 0 OR other = 0 THEN
        RETURN 0;
    END IF;
    IF abs(a) > great THEN
        a := a / factor;
        taken := taken + 600;
    ELSIF abs(a) < small THEN
        a := a * factor;
        taken := taken - 600;
    END IF;
    IF abs(b) > great THEN
        b := b / factor;
        taken := taken + direction;
    ELSIF abs(b) < small THEN
        b := b * factor;
        taken := taken - direction;
    END IF;
    outcome := CASE sign WHEN '*' THEN a * b ELSE a / b END;
    IF taken > 0 AND abs(outcome) >= 2::double precision ^ (1024 - taken) THEN
        RETURN NULL;
    ELSIF taken < 0 AND abs(outcome) <= 2::double precision ^ (-1075 - taken) THEN
        RETURN 0;
    END IF;
    RETURN CASE sign WHEN '*' THEN one * other ELSE one / other END;
END
$$;

CREATE FUNCTION cordwood_product(one double precision, other double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN (one = 0 OR abs(one) BETWEEN 1e-150 AND 1e150) AND (other = 0 OR abs(other) BETWEEN 1e-150 AND 1e150)
            THEN one * other
        ELSE cordwood_at_edge('*', one, other)
    END
$$;

CREATE FUNCTION cordwood_quotient(one double precision, other double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN (one = 0 OR abs(one) BETWEEN 1e-150 AND 1e150) AND abs(other) BETWEEN 1e-150 AND 1e150
            THEN one / other
        ELSE cordwood_at_edge('/', one, other)
    END
$$;

-- A sum out of two: of numbers below 1e290, and of all others with a factor of 2^200 taken out of each.
CREATE FUNCTION cordwood_total(small double precision, great double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    factor CONSTANT double precision := 2::double precision ^ 200;
BEGIN
    IF great IS NULL THEN
        RETURN small;
    END IF;
    IF abs(small) >= 1 THEN
        great := great + small / factor;
    END IF;
    RETURN CASE WHEN abs(great) < 2::double precision ^ 824 THEN great * factor END;
END
$$;

-- Kept texts have two characters for NUL and for the sentinel: parts of such a text, by what they stand for.
CREATE FUNCTION cordwood_part(kept text, start integer, length integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(found[1], '' ORDER BY place), '')
    FROM regexp_matches(kept, U&'\E0C0?.', 'g') WITH ORDINALITY AS each(found, place)
    WHERE place >= start AND place < start::bigint + length
$$;

-- The same text with other second characters of those: no text that is looked for begins with one.
CREATE FUNCTION cordwood_aligned(kept text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(replace(kept, U&'\E0C00', U&'\E0C0a'), U&'\E0C01', U&'\E0C0b')
$$;

CREATE FUNCTION cordwood_unaligned(aligned text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(replace(aligned, U&'\E0C0a', U&'\E0C00'), U&'\E0C0b', U&'\E0C01')
$$;

-- The text behind `cordwood_order`.
CREATE FUNCTION cordwood_unordered(ordered text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(replace(replace(
        ordered, U&'\E0C0', U&'\E0C01'), U&'\0001\0001', U&'\E0C00'), U&'\0001\0002', U&'\0001')
$$;

-- The first hundred different ones of values that come in order: an array of all may be larger than memory.
CREATE FUNCTION cordwood_hundred_of(kept jsonb[], further jsonb) RETURNS jsonb[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF cardinality(kept) >= 100 OR kept[cardinality(kept)] = further THEN
        RETURN kept;
    END IF;
    RETURN array_append(kept, further);
END
$$;

CREATE FUNCTION cordwood_as_json(kept jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_jsonb(kept)
$$;

CREATE AGGREGATE cordwood_hundred(jsonb) (
    SFUNC = cordwood_hundred_of, STYPE = jsonb[], INITCOND = '{}', FINALFUNC = cordwood_as_json
);
