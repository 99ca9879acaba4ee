-- The ledger: concerts, tickets, jobs, idempotency keys.
--
-- Times are microseconds since 1970 UTC: a `timestamptz` does not reach as far as the open ends
-- of a band of due times. States are words, which a migration can extend without a lock on a type.
--
-- Storage parameters stand with the reason for them. The tables that change all the time are
-- vacuumed by the number of dead rows, not by a share of the table, and without pauses: each is
-- small, and a queue is as fast as its vacuum.

-- Nearly never written, but locked by every group of sales, which marks the row in its place.
create table concerts (
    id          uuid    not null primary key,
    name        text    not null,
    venue       text    not null,
    date        date    not null,
    capacity    integer not null check (capacity between 0 and 1000000),
    status      text    not null check (status in ('ACTIVE', 'CANCELLED', 'SOLD_OUT')),
    version     integer not null check (version >= 1),
    created_at  bigint  not null
);

-- The row that every sale writes, apart from the long texts that none of them touches. Pages are
-- left half empty: a new version of a row that sells finds room beside the old one, so that no
-- index is touched.
create table sales (
    concert_id  uuid    not null primary key references concerts (id),
    sold        integer not null default 0 check (sold >= 0),
    marked_at   bigint
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

create index sales_marked
    on sales (marked_at, concert_id)
    where marked_at is not null;

-- The primary key is what decides a race for a seat. There is no foreign key to concerts: the
-- statement that inserts locks them anyway, and no concert is ever deleted.
-- A print changes a ticket twice and no index of it: room for these versions keeps them beside
-- the row.
create table tickets (
    concert_id     uuid    not null,
    seat_no        integer not null check (seat_no >= 0),
    id             uuid    not null,
    user_id        uuid    not null,
    bought_at      bigint  not null,
    print          text    not null default 'none'
                   check (print in ('none', 'pending', 'done', 'failed')),
    print_version  integer not null default 0,
    primary key (concert_id, seat_no)
) with (
    fillfactor = 85
);

create unique index tickets_id
    on tickets (id);

create index tickets_user
    on tickets (user_id, concert_id, seat_no);

-- Jobs that wait or run. Finished ones move to `finished_jobs`, so that this table and its
-- indexes stay as small as the backlog. `errors` holds a JSON object for each attempt.
create table jobs (
    id             uuid    not null primary key,
    kind           text    not null,
    queue          text    not null,
    state          text    not null check (state in ('available', 'scheduled', 'running')),
    args           text    not null,
    attempt        integer not null default 0,
    due_at         bigint  not null,
    run_at         bigint  not null,
    created_at     bigint  not null,
    unique_key     text,
    trace          text,
    errors         text[]  not null default '{}',
    claim_token    uuid,
    claimed_by     uuid,
    claimed_until  bigint,
    check ((state = 'running') = (claim_token is not null)),
    check ((state = 'running') = (claimed_until is not null))
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

-- Claims in the order of due times.
create index jobs_available
    on jobs (queue, due_at, id)
    where state = 'available';

create index jobs_scheduled
    on jobs (queue, run_at)
    where state = 'scheduled';

create index jobs_running
    on jobs (claimed_until)
    where state = 'running';

-- At most one queued and one running job of a key.
create unique index jobs_queued_key
    on jobs (unique_key)
    where unique_key is not null and state in ('available', 'scheduled');

create unique index jobs_running_key
    on jobs (unique_key)
    where unique_key is not null and state = 'running';

create table finished_jobs (
    id           uuid    not null primary key,
    kind         text    not null,
    queue        text    not null,
    state        text    not null check (state in ('completed', 'cancelled', 'discarded')),
    args         text    not null,
    attempt      integer not null,
    due_at       bigint  not null,
    run_at       bigint  not null,
    created_at   bigint  not null,
    finished_at  bigint  not null,
    unique_key   text,
    trace        text,
    errors       text[]  not null default '{}'
);

create index finished_jobs_prunable
    on finished_jobs (finished_at)
    where state in ('completed', 'cancelled');

-- Dead letters, which are few, stay, and are counted and listed often.
create index finished_jobs_dead
    on finished_jobs (id)
    where state = 'discarded';

create table paused_queues (
    queue  text not null primary key
);

create table plans (
    concert_id  uuid    not null primary key references concerts (id),
    version     integer not null,
    sold        integer not null,
    file        text    not null,
    read_at     bigint  not null
) with (
    fillfactor = 70
);

create table idempotency_keys (
    key          text    not null primary key,
    fingerprint  bytea   not null check (octet_length(fingerprint) = 32),
    status       integer not null,
    headers      text    not null,
    body         bytea   not null,
    created_at   bigint  not null
);

create index idempotency_keys_created
    on idempotency_keys (created_at);

-- A row or two, renewed all the time.
create table leases (
    name    text    not null primary key,
    holder  uuid    not null,
    until   bigint  not null
) with (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);
