/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMD_CLIENT_CONTROL_H
#define XLX_MEMD_CLIENT_CONTROL_H

/*
 * The control socket: what the commands ask of memd. It speaks the dialect of the domains' QMP sockets: a greeting,
 * qmp_capabilities, then {"execute": NAME, "arguments": {...}, "id": ...} with {"return": ...} or {"error": {"class",
 * "desc"}}, and events {"event": NAME, "data": {...}, "timestamp": {...}} to every client that has negotiated.
 * Only root can connect. CONTROL_LOOK_SOCKET is the same for the group of readers (readers.h), with those commands that
 * change nothing: query-balance, mem-why, query-reservations, query-plan, query-metrics, query-history; it tells all
 * events. Sizes are KiB in members that end in _memkb; times are milliseconds in members that end in
 * _ms. DOMAIN is an integer domid; names are looked up by the command. Members in brackets may be absent.
 *
 * The path is RUN_FOLDER/CONTROL_SOCKET.
 */
#define CONTROL_SOCKET "control.sock"
#define CONTROL_LOOK_SOCKET "look.sock"

/*
 * mem-range {"domain", "min_memkb", "max_memkb", ["weight"], ["lend"]} -> {}
 *     The domain is balanced within that range from now on; kept by UUID. Also ends a pin. Errors: GenericError "no such
 *     domain", "the minimum is above the maximum", "the minimum is below the floor of N KiB", "weight N is not within 1
 *     to N".
 */
#define CONTROL_RANGE "mem-range"
/* mem-range-auto {"domain"} -> {}: a pinned domain is balanced again, in the range that it has. GenericError "has no
 * range" when it never had one. */
#define CONTROL_RANGE_AUTO "mem-range-auto"
/* mem-range-hold {"domain"} -> {}: left alone as while it migrates, until mem-range-auto or its end. */
#define CONTROL_RANGE_HOLD "mem-range-hold"
/* mem-range-forget {"domain"} -> {}: not balanced any more; its target stays where it is. */
#define CONTROL_RANGE_FORGET "mem-range-forget"

/* mem-ranges-read {["domain"]} -> {}: reads the files of ranges again, as SIGHUP does. domain: its range stands in
 * ranges.cfg, and what mem-range gave it before is forgotten. GenericError names file and line; then all stays. */
#define CONTROL_RANGES_READ "mem-ranges-read"

/*
 * mem-reserve {"size_memkb", ["min_memkb"], ["timeout_ms"], ["lease_ms"], ["domain"], ["uuid"]} -> RESERVATION
 *     Answers at once; the event RESERVATION tells what becomes of it. It lives lease_ms (30 s when absent), unless it
 *     is handed over or held. timeout_ms: not ready by then, it ends (state "timed-out"), or is content with what is
 *     free from min_memkb on. domain: the memory is meant for a domain that exists already; uuid: for one that is going
 *     to be built, to which it is handed as soon as Xen knows it, and it ends when that one runs. Who asks again for a
 *     UUID that is waited for gets that same reservation, made as large as the larger of the two; it lives until the
 *     last that holds it has left.
 * mem-reserve-hold {"id", ["keep_ms"]} -> RESERVATION
 *     Answers when the reservation is over, and until then it lives as long as this connection does: when the
 *     connection ends it is released, unless it was handed over; when it is ready, it lives on for keep_ms. A connection
 *     waits for the answer, so other commands need another one; events still come. After memd was started again a
 *     holder has 30 s to hold again.
 * mem-reserve-release {"id"} -> {}
 * mem-reserve-hand {"id", "domain"} -> {}
 *     The domain may take the memory: from now on the reservation counts only what the domain does not hold or claim
 *     yet, and ends when the domain runs with all of it, or dies.
 * query-reservations -> [RESERVATION...]
 *
 * RESERVATION: {"id", "state", "size_memkb", "min_memkb", "memkb", "counted_memkb", "domain" or null, "age_ms",
 *     "expires_ms" or null, "shortfall_memkb"}
 *     state: "waiting" | "ready" | "handed" | "released" | "timed-out" | "expired" | "done". memkb: what is (to be) held
 *     free, "timed-out": what there was. counted_memkb: less what the domain has of it. shortfall_memkb: not 0 while the
 *     guests could not give that much even at their minimums.
 */
#define CONTROL_RESERVE "mem-reserve"
#define CONTROL_RESERVE_HOLD "mem-reserve-hold"
#define CONTROL_RESERVE_RELEASE "mem-reserve-release"
#define CONTROL_RESERVE_HAND "mem-reserve-hand"
#define CONTROL_RESERVATIONS "query-reservations"

/*
 * query-balance -> {"host": {"total_memkb", "free_memkb", "claimed_memkb", "reserve_memkb", "reserved_memkb",
 *     "in_flight_memkb", "float_memkb", "budget_memkb", "feasible", "shortfall_memkb", "warnings": [TEXT...]},
 *     "domains": [DOMAIN...]}
 * mem-why {"domain"} -> DOMAIN with "history": [{"age_ms", "old_memkb", "new_memkb", "reason"}...], newest first, at
 * most 16.
 *
 * DOMAIN: {"domid", "name", "uuid", "type", "state", "balloon", "managed", "pinned", "fixed", "actual_memkb",
 *     "target_memkb", "planned_memkb", "static_max_memkb", "min_memkb", "max_memkb", "weight", "range_source",
 *     "demand_memkb" or null, "reported_memkb" or null, "agent", "report_age_ms" or null, "rate_kb_per_s" or null,
 *     "left_ms" or null, "probe_ms" or null, "fair_memkb", "lent_memkb", "owed_memkb", "reason", "why"}
 *     state, balloon, reason: as mem-plan has them, and reason "unmanaged" and "pinned". demand_memkb: as the policy
 * sees it (also for a guest that fell silent: its last need), reported_memkb: before it was bounded. why: a sentence
 * for people.
 *     agent: who reports, or did last: "xl-ext", "xenserver", "xenserver-windows", "xcp-ng", "xcp-ng-windows", "meminfo"
 * (another that writes XenServer's nodes), "qubes", or "none". range_source: who gave the range: "mem-range", "ranges.cfg",
 * "create" (what xl-ext create read), "config_dirs" (a configuration in one of these), "memd.cfg" (dom0's), "default"
 * (manage="all"), or "none".
 */
#define CONTROL_BALANCE "query-balance"
#define CONTROL_WHY "mem-why"

/* query-plan -> {"input": as mem-plan --from reads it, "plan": as mem-plan --json prints it}: what the policy makes of
 * this moment. */
#define CONTROL_PLAN "query-plan"

/* query-metrics -> {"text": TEXT}: the page of metrics-page.h. */
#define CONTROL_METRICS "query-metrics"

/*
 * query-history {["domain"], ["last_ms"]} -> {"step_ms", "points": [POINT...], "marks": [MARK...]}, oldest first: what the
 * domain had in the last hours; without a domain: what all domains together hold, are to hold and need, and the host's free
 * memory. GenericError: no look at that domain has been taken yet.
 *
 * POINT: {"time", "held_memkb", "target_memkb", "need_memkb", "available_memkb"}, the end of a step, in seconds since 1970;
 *     each size is null when it is not known. Sizes are kept to 1/2000.
 * MARK: {"time", "kind", "domid" or null, "name", "memkb" or null}; kind: "start", "end", "pin" (memkb: the target), "kill"
 *     (by the guest's kernel, for want of memory), "reservation" (memkb: what was got; with a domain when that is who
 *     gets it).
 */
#define CONTROL_HISTORY "query-history"

/*
 * Events.
 * TARGET {"domid", "old_memkb", "new_memkb", "reason"}: memd wrote a target. reason also: "re-arm", "unreachable",
 *     "probe", "grant" (a part of what the plan gives, as memory becomes free).
 * HEALTH {"domid", "balloon", "why"}: "ok", "slow" or "stuck" from now on.
 * PINNED {"domid", "target_memkb"}: somebody else wrote its target.
 * RESERVATION: as above, whenever its state changes.
 * SHORT {"shortfall_memkb"}: the minimums do not fit any more; 0: they do again.
 * EMERGENCY {"free_memkb"}: Xen says that host memory runs out.
 */
#define CONTROL_EVENT_TARGET "TARGET"
#define CONTROL_EVENT_HEALTH "HEALTH"
#define CONTROL_EVENT_PINNED "PINNED"
#define CONTROL_EVENT_RESERVATION "RESERVATION"
#define CONTROL_EVENT_SHORT "SHORT"
#define CONTROL_EVENT_EMERGENCY "EMERGENCY"

#endif
