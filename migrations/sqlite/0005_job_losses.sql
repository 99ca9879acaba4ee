-- How often in a row a worker died while it held a job. One that was held twice is a suspect, as
-- `suspect` says, and runs alone. A column with a default: no row is written but those few that
-- are suspects.
alter table jobs
    add column losses integer not null default 0 check (losses >= 0);

update jobs
   set losses = 2
 where suspect = 1;
