-- The ledger: concerts, tickets, jobs, idempotency keys.
--
-- Ids are 16-byte blobs, times are microseconds since 1970 UTC, states are words.
-- Tables with a key of their own are `without rowid`: one tree instead of two for each write.

create table concerts (
    id          blob    not null primary key check (length(id) = 16),
    name        text    not null,
    venue       text    not null,
    date        text    not null check (date glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    capacity    integer not null check (capacity between 0 and 1000000),
    status      text    not null check (status in ('ACTIVE', 'CANCELLED', 'SOLD_OUT')),
    version     integer not null check (version >= 1),
    created_at  integer not null
) strict, without rowid;

-- The row that every sale writes, apart from the long texts that none of them touches.
create table sales (
    concert_id  blob    not null primary key references concerts (id),
    sold        integer not null default 0 check (sold >= 0),
    marked_at   integer
) strict, without rowid;

create index sales_marked
    on sales (marked_at)
    where marked_at is not null;

-- The primary key is what decides a race for a seat. There is no foreign key to concerts: the
-- statement that inserts joins them anyway, and no concert is ever deleted.
create table tickets (
    concert_id     blob    not null,
    seat_no        integer not null check (seat_no >= 0),
    id             blob    not null check (length(id) = 16),
    user_id        blob    not null check (length(user_id) = 16),
    bought_at      integer not null,
    print          text    not null default 'none'
                   check (print in ('none', 'pending', 'done', 'failed')),
    print_version  integer not null default 0,
    primary key (concert_id, seat_no)
) strict, without rowid;

create unique index tickets_id
    on tickets (id);

create index tickets_user
    on tickets (user_id, concert_id, seat_no);

-- Jobs that wait or run. Finished ones move to `finished_jobs`, so that this table and its
-- indexes stay as small as the backlog.
create table jobs (
    id             blob    not null primary key check (length(id) = 16),
    kind           text    not null,
    queue          text    not null,
    state          text    not null check (state in ('available', 'scheduled', 'running')),
    args           text    not null,
    attempt        integer not null default 0,
    due_at         integer not null,
    run_at         integer not null,
    created_at     integer not null,
    unique_key     text,
    trace          text,
    errors         text,
    claim_token    blob,
    claimed_by     blob,
    claimed_until  integer,
    check ((state = 'running') = (claim_token is not null)),
    check ((state = 'running') = (claimed_until is not null))
) strict, without rowid;

-- Claims in the order of due times. The last two columns are there so that claiming and counting
-- need not read the rows.
create index jobs_available
    on jobs (queue, due_at, id, run_at, unique_key)
    where state = 'available';

create index jobs_scheduled
    on jobs (queue, run_at, due_at)
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
    id           blob    not null primary key,
    kind         text    not null,
    queue        text    not null,
    state        text    not null check (state in ('completed', 'cancelled', 'discarded')),
    args         text    not null,
    attempt      integer not null,
    due_at       integer not null,
    run_at       integer not null,
    created_at   integer not null,
    finished_at  integer not null,
    unique_key   text,
    trace        text,
    errors       text
) strict, without rowid;

create index finished_jobs_prunable
    on finished_jobs (finished_at)
    where state in ('completed', 'cancelled');

-- Dead letters, which are few, stay, and are counted and listed often.
create index finished_jobs_dead
    on finished_jobs (queue, due_at, run_at)
    where state = 'discarded';

create table paused_queues (
    queue  text not null primary key
) strict, without rowid;

create table plans (
    concert_id  blob    not null primary key references concerts (id),
    version     integer not null,
    sold        integer not null,
    file        text    not null,
    read_at     integer not null
) strict, without rowid;

-- A row is read by its key and nothing else, and may be large: a table with rowids keeps the
-- bodies out of the tree of keys.
create table idempotency_keys (
    key          text    not null primary key,
    fingerprint  blob    not null check (length(fingerprint) = 32),
    status       integer not null,
    headers      text    not null,
    body         blob    not null,
    created_at   integer not null
) strict;

create index idempotency_keys_created
    on idempotency_keys (created_at);

create table leases (
    name    text    not null primary key,
    holder  blob    not null,
    until   integer not null
) strict, without rowid;
