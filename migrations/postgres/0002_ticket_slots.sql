-- Differs from sqlite: nothing to do. A page that is dirtied again and again between two
-- checkpoints is written to the log in full once, so the index by user need not be cut.

select 1;
