-- What operators want of jobs and lanes, which jobs may have killed their worker, how far they
-- are, and which wait longest.

-- Set while an operator wants the running job to stop. Gone with the claim.
alter table jobs
    add column cancel_requested_at bigint;

-- Whether a worker died while it held the job. Such a job runs alone.
alter table jobs
    add column suspect boolean not null default false;

-- Since when the job runs with nothing beside it. Gone with the claim.
alter table jobs
    add column alone_since bigint;

-- How far the running job is, JSON. Gone with the claim.
alter table jobs
    add column progress text;

-- Waiting jobs by age: ids grow with time.
create index jobs_waiting
    on jobs (queue, id)
    where state = 'available';

create table paused_lanes (
    queue  text not null,
    lane   text not null check (lane in ('imminent', 'soon', 'later')),
    primary key (queue, lane)
);
