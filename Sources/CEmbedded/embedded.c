#include "CEmbedded.h"

#include <stddef.h>
#include <string.h>

#pragma clang diagnostic ignored "-Wc23-extensions"  // #embed

// Every file that is part of the programs, by its path below Sources.
//
// The C compiler puts them in because it takes no time over it. As array literals of Swift, which is
// how SwiftPM embeds a resource, the same 270 kB took 30 seconds of a release build.
static const struct {
    const char *path;
    const char *text;
} files[] = {
    {"TasqCLI/Bench/Floors/claim_settle.sql", (const char[]){
#embed "../TasqCLI/Bench/Floors/claim_settle.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqCLI/Bench/Floors/insert_claim_settle.sql", (const char[]){
#embed "../TasqCLI/Bench/Floors/insert_claim_settle.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqCLI/Bench/Floors/insert_many.sql", (const char[]){
#embed "../TasqCLI/Bench/Floors/insert_many.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqCLI/Bench/Floors/insert_one.sql", (const char[]){
#embed "../TasqCLI/Bench/Floors/insert_one.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqCLI/Bench/Floors/register.sql", (const char[]){
#embed "../TasqCLI/Bench/Floors/register.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqHTTP/Dashboard/dashboard.css", (const char[]){
#embed "../TasqHTTP/Dashboard/dashboard.css" suffix(, 0) if_empty(0)
    }},
    {"TasqHTTP/Dashboard/dashboard.js", (const char[]){
#embed "../TasqHTTP/Dashboard/dashboard.js" suffix(, 0) if_empty(0)
    }},
    {"TasqHTTP/OpenAPI/openapi.yaml", (const char[]){
#embed "../TasqHTTP/OpenAPI/openapi.yaml" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/accept.sql", (const char[]){
#embed "../TasqPostgres/SQL/accept.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/accepted_before.sql", (const char[]){
#embed "../TasqPostgres/SQL/accepted_before.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/announceable.sql", (const char[]){
#embed "../TasqPostgres/SQL/announceable.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/attempts.sql", (const char[]){
#embed "../TasqPostgres/SQL/attempts.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/attend.sql", (const char[]){
#embed "../TasqPostgres/SQL/attend.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/beat.sql", (const char[]){
#embed "../TasqPostgres/SQL/beat.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bodies.sql", (const char[]){
#embed "../TasqPostgres/SQL/bodies.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk_advance.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk_advance.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk_hold.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk_hold.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk_holds.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk_holds.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk_start.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk_start.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bulk_stop.sql", (const char[]){
#embed "../TasqPostgres/SQL/bulk_stop.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/bury.sql", (const char[]){
#embed "../TasqPostgres/SQL/bury.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/cancel.sql", (const char[]){
#embed "../TasqPostgres/SQL/cancel.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/checkup.sql", (const char[]){
#embed "../TasqPostgres/SQL/checkup.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/claim.sql", (const char[]){
#embed "../TasqPostgres/SQL/claim.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/claim_suspect.sql", (const char[]){
#embed "../TasqPostgres/SQL/claim_suspect.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/claims.sql", (const char[]){
#embed "../TasqPostgres/SQL/claims.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/confirm.sql", (const char[]){
#embed "../TasqPostgres/SQL/confirm.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/declare.sql", (const char[]){
#embed "../TasqPostgres/SQL/declare.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/delete.sql", (const char[]){
#embed "../TasqPostgres/SQL/delete.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/deregister.sql", (const char[]){
#embed "../TasqPostgres/SQL/deregister.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/enqueue.sql", (const char[]){
#embed "../TasqPostgres/SQL/enqueue.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/enqueue_again.sql", (const char[]){
#embed "../TasqPostgres/SQL/enqueue_again.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/enqueue_one.sql", (const char[]){
#embed "../TasqPostgres/SQL/enqueue_one.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/enqueue_unique.sql", (const char[]){
#embed "../TasqPostgres/SQL/enqueue_unique.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/enqueue_within.sql", (const char[]){
#embed "../TasqPostgres/SQL/enqueue_within.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/event.sql", (const char[]){
#embed "../TasqPostgres/SQL/event.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/event_jobs.sql", (const char[]){
#embed "../TasqPostgres/SQL/event_jobs.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/event_outcomes.sql", (const char[]){
#embed "../TasqPostgres/SQL/event_outcomes.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/events.sql", (const char[]){
#embed "../TasqPostgres/SQL/events.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/expired.sql", (const char[]){
#embed "../TasqPostgres/SQL/expired.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/explain.sql", (const char[]){
#embed "../TasqPostgres/SQL/explain.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/failures.sql", (const char[]){
#embed "../TasqPostgres/SQL/failures.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/grant.sql", (const char[]){
#embed "../TasqPostgres/SQL/grant.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/grants.sql", (const char[]){
#embed "../TasqPostgres/SQL/grants.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/hasten.sql", (const char[]){
#embed "../TasqPostgres/SQL/hasten.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/held_body.sql", (const char[]){
#embed "../TasqPostgres/SQL/held_body.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/identity.sql", (const char[]){
#embed "../TasqPostgres/SQL/identity.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/job.sql", (const char[]){
#embed "../TasqPostgres/SQL/job.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/jobs.sql", (const char[]){
#embed "../TasqPostgres/SQL/jobs.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/jobs_few.sql", (const char[]){
#embed "../TasqPostgres/SQL/jobs_few.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/kinds.sql", (const char[]){
#embed "../TasqPostgres/SQL/kinds.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/lead.sql", (const char[]){
#embed "../TasqPostgres/SQL/lead.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/limit_clear.sql", (const char[]){
#embed "../TasqPostgres/SQL/limit_clear.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/limit_put.sql", (const char[]){
#embed "../TasqPostgres/SQL/limit_put.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/limits.sql", (const char[]){
#embed "../TasqPostgres/SQL/limits.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/lock.sql", (const char[]){
#embed "../TasqPostgres/SQL/lock.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/look.sql", (const char[]){
#embed "../TasqPostgres/SQL/look.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/matching.sql", (const char[]){
#embed "../TasqPostgres/SQL/matching.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/matching_errors.sql", (const char[]){
#embed "../TasqPostgres/SQL/matching_errors.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/matching_events.sql", (const char[]){
#embed "../TasqPostgres/SQL/matching_events.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0001_core.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0001_core.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0002_enqueue.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0002_enqueue.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0003_operate.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0003_operate.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0004_events.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0004_events.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0005_names.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0005_names.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0006_kinds.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0006_kinds.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0007_attempts.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0007_attempts.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0008_order.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0008_order.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0009_roles.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0009_roles.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0010_lists.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0010_lists.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0011_policies.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0011_policies.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0012_failures.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0012_failures.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0013_oldest.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0013_oldest.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0014_schedules.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0014_schedules.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0015_past_workers.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0015_past_workers.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0016_bulk.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0016_bulk.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0017_lock_server.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0017_lock_server.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/migrations/0018_limits.sql", (const char[]){
#embed "../TasqPostgres/SQL/migrations/0018_limits.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/claimable.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/claimable.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/claimed.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/claimed.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/deleted.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/deleted.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/job_columns.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/job_columns.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/known_kind.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/known_kind.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/latest_reason.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/latest_reason.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/oldest_due.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/oldest_due.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/open_queue.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/open_queue.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/server.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/server.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/parts/suspect.sql", (const char[]){
#embed "../TasqPostgres/SQL/parts/suspect.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/pause.sql", (const char[]){
#embed "../TasqPostgres/SQL/pause.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/payload.sql", (const char[]){
#embed "../TasqPostgres/SQL/payload.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/piece.sql", (const char[]){
#embed "../TasqPostgres/SQL/piece.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/ping.sql", (const char[]){
#embed "../TasqPostgres/SQL/ping.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/promote.sql", (const char[]){
#embed "../TasqPostgres/SQL/promote.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/prune.sql", (const char[]){
#embed "../TasqPostgres/SQL/prune.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/pulse.sql", (const char[]){
#embed "../TasqPostgres/SQL/pulse.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/put_off.sql", (const char[]){
#embed "../TasqPostgres/SQL/put_off.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/queued.sql", (const char[]){
#embed "../TasqPostgres/SQL/queued.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/queues.sql", (const char[]){
#embed "../TasqPostgres/SQL/queues.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/reap.sql", (const char[]){
#embed "../TasqPostgres/SQL/reap.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/rearm.sql", (const char[]){
#embed "../TasqPostgres/SQL/rearm.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/register.sql", (const char[]){
#embed "../TasqPostgres/SQL/register.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/release.sql", (const char[]){
#embed "../TasqPostgres/SQL/release.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/renew.sql", (const char[]){
#embed "../TasqPostgres/SQL/renew.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/repair.sql", (const char[]){
#embed "../TasqPostgres/SQL/repair.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/repair_epoch.sql", (const char[]){
#embed "../TasqPostgres/SQL/repair_epoch.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/replace.sql", (const char[]){
#embed "../TasqPostgres/SQL/replace.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/replay.sql", (const char[]){
#embed "../TasqPostgres/SQL/replay.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/reschedule.sql", (const char[]){
#embed "../TasqPostgres/SQL/reschedule.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/retire.sql", (const char[]){
#embed "../TasqPostgres/SQL/retire.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/retry.sql", (const char[]){
#embed "../TasqPostgres/SQL/retry.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/revoked.sql", (const char[]){
#embed "../TasqPostgres/SQL/revoked.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedule_delete.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedule_delete.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedule_pause.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedule_pause.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedule_put.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedule_put.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedules.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedules.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedules_due.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedules_due.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/schedules_fire.sql", (const char[]){
#embed "../TasqPostgres/SQL/schedules_fire.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/settle.sql", (const char[]){
#embed "../TasqPostgres/SQL/settle.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/settled_before.sql", (const char[]){
#embed "../TasqPostgres/SQL/settled_before.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/still_queued.sql", (const char[]){
#embed "../TasqPostgres/SQL/still_queued.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/stored_body.sql", (const char[]){
#embed "../TasqPostgres/SQL/stored_body.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/sweep.sql", (const char[]){
#embed "../TasqPostgres/SQL/sweep.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/system.sql", (const char[]){
#embed "../TasqPostgres/SQL/system.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/table_sizes.sql", (const char[]){
#embed "../TasqPostgres/SQL/table_sizes.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/tallies.sql", (const char[]){
#embed "../TasqPostgres/SQL/tallies.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/tally.sql", (const char[]){
#embed "../TasqPostgres/SQL/tally.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/turn.sql", (const char[]){
#embed "../TasqPostgres/SQL/turn.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/unique_holders.sql", (const char[]){
#embed "../TasqPostgres/SQL/unique_holders.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/unknown_kinds.sql", (const char[]){
#embed "../TasqPostgres/SQL/unknown_kinds.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/vacuum_holders.sql", (const char[]){
#embed "../TasqPostgres/SQL/vacuum_holders.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/verify_claims.sql", (const char[]){
#embed "../TasqPostgres/SQL/verify_claims.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/verify_jobs.sql", (const char[]){
#embed "../TasqPostgres/SQL/verify_jobs.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/verify_keys.sql", (const char[]){
#embed "../TasqPostgres/SQL/verify_keys.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/verify_schema.sql", (const char[]){
#embed "../TasqPostgres/SQL/verify_schema.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/workers.sql", (const char[]){
#embed "../TasqPostgres/SQL/workers.sql" suffix(, 0) if_empty(0)
    }},
    {"TasqPostgres/SQL/yield_key.sql", (const char[]){
#embed "../TasqPostgres/SQL/yield_key.sql" suffix(, 0) if_empty(0)
    }},
};

const char *cembedded_text(const char *path) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].path, path) == 0) return files[i].text;
    }
    return NULL;
}

const char *cembedded_path(size_t place) {
    return place < sizeof files / sizeof *files ? files[place].path : NULL;
}
