-- Who plans confirmations looks for requests that are not over; most of the table is.
create index on ops.opt_in (expires_at);
