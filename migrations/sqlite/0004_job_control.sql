-- What operators want of jobs and lanes, which jobs may have killed their worker, how far they
-- are, and which wait longest.

-- Set while an operator wants the running job to stop. Gone with the claim.
alter table jobs
    add column cancel_requested_at integer;

-- Whether a worker died while it held the job. Such a job runs alone.
alter table jobs
    add column suspect integer not null default 0 check (suspect in (0, 1));

-- Since when the job runs with nothing beside it. Gone with the claim.
alter table jobs
    add column alone_since integer;

-- How far the running job is, JSON. Gone with the claim.
alter table jobs
    add column progress text;

-- Waiting jobs by age: the key of the table, which is appended to each index, grows with time.
create index jobs_waiting
    on jobs (queue)
    where state = 'available';

create table paused_lanes (
    queue  text not null,
    lane   text not null check (lane in ('imminent', 'soon', 'later')),
    primary key (queue, lane)
) strict, without rowid;
