-- What operators want of running jobs, what their workers died of, and how far they are.

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
