-- title: The database has counted no deadlock
-- why: of two transactions that wait for each other one is broken off, and the application seldom repeats it
-- requirement: DI6
-- severity: high
-- needs: performance
-- key: database
-- show: database, deadlocks, counted_since
-- remedy: look for "deadlock detected" in the server's log, which names both statements; let every transaction take
--   its rows and tables in one order; pg_stat_reset() begins to count anew
-- examined: select xact_commit + xact_rollback as examined from pg_stat_database where datname = current_database()
select
  datname::text as database, deadlocks,
  coalesce(to_char(stats_reset at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), 'it was made') as counted_since
from pg_stat_database
where datname = current_database() and deadlocks > 0
order by database
