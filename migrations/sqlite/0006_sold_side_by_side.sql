-- Differs from postgres: nothing to do. Groups are written one after the other, and the index by
-- user is cut into runs already.

select 1;
