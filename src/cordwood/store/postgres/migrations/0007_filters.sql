-- What conditions on events need beyond operators. None of them fails, whatever it is given; null: it is no such thing.

-- A number's double (IEEE 754, to nearest, ties to even): 1.8e308 and more is infinite, 2^-1075 and less is nothing.
CREATE FUNCTION cordwood_double(number numeric) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN number >= 179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904174497792 THEN 'Infinity'
        WHEN number <= -179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904174497792 THEN '-Infinity'
        WHEN abs(number) <= 2.4703282292062327208828439643411068618252990130716238221279284125033775363510437593264991818081799618989828234772285886546332835517796989819938739800539093906315035659515570226392290858392449105184435931802849936536152500319370457678249219365623669863658480757001585769269903706311928279558551332927834338409351978015531246597263579574622766465272827220056374006485499977096599470454020828166226237857393450736339007967761930577506740176324673600968951340535537458516661134223766678604162159680461914467291840300530057530849048765391711386591646239524912623653881879636239373280423891018672348497668235089863388587925628302755995657524455507255189313690836254779186948667994968324049705821028513185451396213837722826145437693412532098591327667236328125e-324 THEN 0
        ELSE number::double precision
    END
$$;

-- What spells a number, as one that a numeric can hold and that has the same double: only so many digits tell.
CREATE FUNCTION cordwood_digits(spelled text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN figures = '' OR place < -330 THEN 0
        WHEN place > 310 THEN (sign || 'Infinity')::numeric
        ELSE (
            sign || '0.' || left(figures, 1100) || CASE WHEN substr(figures, 1101) ~ '[1-9]' THEN '1' ELSE '' END
                || 'e' || place
        )::numeric
    END
    FROM (
        SELECT
            CASE m[1] WHEN '-' THEN '-' ELSE '' END AS sign,
            ltrim(m[2] || coalesce(m[3], ''), '0') AS figures,
            length(ltrim(m[2] || coalesce(m[3], ''), '0')) - length(coalesce(m[3], ''))
                + CASE
                    WHEN m[5] IS NULL OR m[5] = '' THEN 0
                    WHEN length(m[5]) > 8 THEN CASE m[4] WHEN '-' THEN -100000000 ELSE 100000000 END
                    ELSE (coalesce(m[4], '') || m[5])::integer
                END AS place
        FROM regexp_match(spelled, '^([-+]?)0*([0-9]*)(?:[.]([0-9]+))?(?:[eE]([-+]?)0*([0-9]*))?$') AS m
    ) AS parts
$$;

-- The double that a text spells.
CREATE FUNCTION cordwood_number(spelled text) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN spelled !~ '^[-+]?[0-9]+(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?$' THEN NULL
        WHEN length(spelled) <= 100 AND spelled !~ '[eE][-+]?0*[1-9][0-9][0-9]' THEN spelled::double precision
        ELSE cordwood_double(cordwood_digits(spelled))
    END
$$;

-- The double that a value is or spells; a number that jsonb cannot hold has it beside it.
CREATE FUNCTION cordwood_value(value jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN cordwood_double(value::numeric)
        WHEN 'string' THEN cordwood_number(value #>> '{}')
        WHEN 'object' THEN (value #>> ARRAY[U&'\E0C0number', '1'])::double precision
    END
$$;

-- A double's canonical text: a whole one below 2^53 without a point, else the shortest that reads back, as Python has it.
CREATE FUNCTION cordwood_spelled(number double precision) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN number = 'Infinity' THEN 'inf'
        WHEN number = '-Infinity' THEN '-inf'
        WHEN abs(number) < 9007199254740992 AND number = trunc(number) THEN number::bigint::text
        WHEN abs(number) < 1e16 AND number = trunc(number) THEN number::bigint::text || '.0'
        WHEN abs(number) BETWEEN 1e15 AND 1e16
            THEN regexp_replace(number::text, '^(-?[0-9])[.]([0-9]{15})([0-9]*)e[+]15$', '\1\2.\3')
        ELSE number::text
    END
$$;

-- A value's canonical text: of an integer of 64 bits its digits.
CREATE FUNCTION cordwood_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN CASE
            WHEN scale(value::numeric) = 0 AND value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                THEN value #>> '{}'
            ELSE cordwood_spelled(cordwood_value(value))
        END
        WHEN 'object' THEN cordwood_spelled(cordwood_value(value))
        ELSE value #>> '{}'
    END
$$;

-- The line that a person reads first: the first of its names that is a text with something in it, a number or a boolean.
CREATE FUNCTION cordwood_message(data jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(
        CASE jsonb_typeof(data -> 'message')
            WHEN 'string' THEN nullif(data ->> 'message', '')
            WHEN 'number' THEN cordwood_text(data -> 'message')
            WHEN 'object' THEN cordwood_text(data -> 'message')
            WHEN 'boolean' THEN data ->> 'message'
        END,
        CASE jsonb_typeof(data -> 'msg')
            WHEN 'string' THEN nullif(data ->> 'msg', '')
            WHEN 'number' THEN cordwood_text(data -> 'msg')
            WHEN 'object' THEN cordwood_text(data -> 'msg')
            WHEN 'boolean' THEN data ->> 'msg'
        END,
        CASE jsonb_typeof(data -> 'body')
            WHEN 'string' THEN nullif(data ->> 'body', '')
            WHEN 'number' THEN cordwood_text(data -> 'body')
            WHEN 'object' THEN cordwood_text(data -> 'body')
            WHEN 'boolean' THEN data ->> 'body'
        END,
        CASE jsonb_typeof(data -> 'log')
            WHEN 'string' THEN nullif(data ->> 'log', '')
            WHEN 'number' THEN cordwood_text(data -> 'log')
            WHEN 'object' THEN cordwood_text(data -> 'log')
            WHEN 'boolean' THEN data ->> 'log'
        END,
        CASE jsonb_typeof(data -> 'text')
            WHEN 'string' THEN nullif(data ->> 'text', '')
            WHEN 'number' THEN cordwood_text(data -> 'text')
            WHEN 'object' THEN cordwood_text(data -> 'text')
            WHEN 'boolean' THEN data ->> 'text'
        END
    )
$$;

-- A count of a unit, without an error beyond doubles: what comes near is beyond every bound of a query.
CREATE FUNCTION cordwood_times(number double precision, unit double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN number > 1e290 THEN 'Infinity'
        WHEN number < -1e290 THEN '-Infinity'
        ELSE number * unit
    END
$$;

-- The nanoseconds that a text spells: the sum of its parts from the left, as doubles. Without
-- expressions that capture: these cost fifty times what others do.
CREATE FUNCTION cordwood_duration(spelled text) RETURNS double precision LANGUAGE plpgsql STRICT IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    units CONSTANT double precision[] := '{604800e9,86400e9,3600e9,60e9,1e9,1e6,1e3,1e3,1e3,1}';
    names CONSTANT text[] := '{w,d,h,m,s,ms,us,µs,μs,ns}';
    rest text := ltrim(spelled, '-+');
    number text;
    name text;
    total double precision := 0;
BEGIN
    IF spelled !~ ('^[-+]?(?:[0-9]+(?:[.][0-9]+)?w)?(?:[0-9]+(?:[.][0-9]+)?d)?(?:[0-9]+(?:[.][0-9]+)?h)?'
            || '(?:[0-9]+(?:[.][0-9]+)?m)?(?:[0-9]+(?:[.][0-9]+)?s)?(?:[0-9]+(?:[.][0-9]+)?ms)?'
            || '(?:[0-9]+(?:[.][0-9]+)?[uµμ]s)?(?:[0-9]+(?:[.][0-9]+)?ns)?$') OR rest = '' THEN
        RETURN NULL;
    END IF;
    WHILE rest <> '' LOOP
        number := left(rest, length(rest) - length(ltrim(rest, '0123456789.')));
        rest := substr(rest, length(number) + 1);
        name := left(rest, length(rest) - length(ltrim(rest, 'wdhmsunµμ')));
        rest := substr(rest, length(name) + 1);
        total := total + cordwood_times(cordwood_number(number), units[array_position(names, name)]);
    END LOOP;
    RETURN CASE left(spelled, 1) WHEN '-' THEN -total ELSE total END;
END
$$;

-- The bytes that a text spells.
CREATE FUNCTION cordwood_size(spelled text) RETURNS double precision LANGUAGE plpgsql STRICT IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    number text := rtrim(spelled, 'kKMGTPiB');
BEGIN
    IF spelled !~ '^[-+]?[0-9]+(?:[.][0-9]+)? ?(?:B|kB|KB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)$' THEN
        RETURN NULL;
    END IF;
    RETURN cordwood_times(cordwood_number(rtrim(number, ' ')), CASE substr(spelled, length(number) + 1)
        WHEN 'B' THEN 1 WHEN 'kB' THEN 1e3 WHEN 'KB' THEN 1e3 WHEN 'MB' THEN 1e6 WHEN 'GB' THEN 1e9 WHEN 'TB' THEN 1e12
        WHEN 'PB' THEN 1e15 WHEN 'KiB' THEN 1024 WHEN 'MiB' THEN 1048576 WHEN 'GiB' THEN 1073741824
        WHEN 'TiB' THEN 1099511627776 ELSE 1125899906842624
    END);
END
$$;

-- The text that a time is read from: a whole number's digits, else its canonical text.
CREATE FUNCTION cordwood_time_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number'
            THEN CASE scale(value::numeric) WHEN 0 THEN value #>> '{}' ELSE cordwood_text(value) END
        ELSE cordwood_text(value)
    END
$$;

-- What would be usable as a timestamp, in microseconds since 1970.
CREATE FUNCTION cordwood_time(spelled text) RETURNS bigint LANGUAGE plpgsql STRICT IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    year integer;
    month integer;
    day integer;
    seconds bigint;
    rest text;
    fraction text := '';
    whole numeric;
    unit numeric;
    us numeric;
BEGIN
    IF spelled ~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]'
            || '(?::[0-5][0-9](?:[.,][0-9]+)?)? ?(?:[Zz]|[-+](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?)?$') THEN
        year := substr(spelled, 1, 4);
        month := substr(spelled, 6, 2);
        day := substr(spelled, 9, 2);
        IF year = 0 OR month NOT BETWEEN 1 AND 12 OR day NOT BETWEEN 1 AND (CASE
            WHEN month IN (4, 6, 9, 11) THEN 30
            WHEN month <> 2 THEN 31
            WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29
            ELSE 28
        END) THEN
            RETURN NULL;
        END IF;
        -- Days since 1970, by years that begin in March.
        year := year - CASE WHEN month < 3 THEN 1 ELSE 0 END;
        seconds := 365 * year + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 719469;
        seconds := seconds * 86400;
        IF length(spelled) > 10 THEN
            seconds := seconds + substr(spelled, 12, 2)::integer * 3600 + substr(spelled, 15, 2)::integer * 60;
            rest := substr(spelled, 17);
            IF left(rest, 1) = ':' THEN
                seconds := seconds + substr(rest, 2, 2)::integer;
                rest := substr(rest, 4);
            END IF;
            IF left(rest, 1) IN ('.', ',') THEN
                fraction := left(rest, length(rest) - length(ltrim(substr(rest, 2), '0123456789')));
                rest := substr(rest, length(fraction) + 1);
            END IF;
            rest := ltrim(rest, ' ');
            IF left(rest, 1) IN ('+', '-') THEN
                seconds := seconds - (left(rest, 1) || '1')::integer * (
                    substr(rest, 2, 2)::integer * 3600 + ('0' || ltrim(substr(rest, 4), ':'))::integer * 60
                );
            END IF;
        END IF;
        us := seconds * 1000000 + rpad(substr(fraction, 2, 6), 6, '0')::integer;
    ELSIF spelled ~ '^[0-9]{1,19}(?:[.][0-9]+)?$' THEN
        whole := split_part(spelled, '.', 1);
        IF whole = 0 THEN
            RETURN NULL;
        END IF;
        unit := CASE
            WHEN whole < 1e11 THEN 1000000000
            WHEN whole < 1e14 THEN 1000000
            WHEN whole < 1e17 THEN 1000
            ELSE 1
        END;
        us := div(
            whole * unit + div(rpad(left(split_part(spelled, '.', 2), 9), 9, '0')::numeric * unit, 1000000000), 1000
        );
    END IF;
    RETURN CASE WHEN us BETWEEN -62135596800000000 AND 253402300799999999 THEN us END;
END
$$;

-- An IP address (RFC 4291 section 2.2); of IPv4, four decimal numbers without leading zeros.
CREATE FUNCTION cordwood_address(spelled text) RETURNS inet LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN spelled ~ '^(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$' THEN spelled::inet
        WHEN strpos(spelled, ':') > 0 AND spelled ~ (
            '^(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}'
            || '|(?:[0-9A-Fa-f]{1,4}:){6}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}'
            || '|::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}|(?:[0-9A-Fa-f]{1,4}:){0,5}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5}|(?:[0-9A-Fa-f]{1,4}:){0,4}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){1}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,4}|(?:[0-9A-Fa-f]{1,4}:){0,3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){2}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,3}|(?:[0-9A-Fa-f]{1,4}:){0,2}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){3}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,2}|(?:[0-9A-Fa-f]{1,4}:){0,1}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){4}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,1}|(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){5}::(?:[0-9A-Fa-f]{1,4})?'
            || '|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){6}::)$'
        ) THEN spelled::inet
    END
$$;

-- A text in whose order NUL comes first, where it belongs: kept, it is two characters from the private use area on.
CREATE FUNCTION cordwood_order(kept text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(replace(replace(
        kept, U&'\0001', U&'\0001\0002'), U&'\E0C00', U&'\0001\0001'), U&'\E0C01', U&'\E0C0')
$$;
