-- Tickets by user, cut into slots.
--
-- Users buy in no order, so in one large index nearly every purchase dirties a page of its own,
-- and the log of a group of purchases grows to a page each. A slot is a run of tickets that were
-- written one after the other: inside it the index is small, and a group's rows share its pages.
-- Which slots hold tickets of a user is known in memory.

alter table tickets
    add column slot integer not null default 0;

drop index tickets_user;

create index tickets_user
    on tickets (slot, user_id);
