/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memd does for stub domains that plain xl, libvirt or a migration starts: their consoles (consoles.h). */
#include <stdlib.h>

#include "base/ends-in.h"
#include "core/service.h"
#include "stubdom-launch/consoles.h"

struct stubdom_service {
    const struct service_env *env;
};

static struct stub_consoles **slot_of(struct stubdom_service *s, struct service_domain *domain)
{
    return (struct stub_consoles **)&domain->slots[s->env->slot];
}

static void drop(struct stubdom_service *s, struct service_domain *domain)
{
    struct stub_consoles **consoles = slot_of(s, domain);

    if (!*consoles)
        return;
    stub_consoles_stop(*consoles);
    free(*consoles);
    *consoles = NULL;
}

/* libxl names a stub domain after its guest. One that another has named so loses nothing: only consoles are written that wait. */
static void domain_appeared(void *state, struct service_domain *domain)
{
    struct stubdom_service *s = state;
    struct stub_consoles **consoles = slot_of(s, domain);

    if (!ends_in(domain->name, NAME_END_STUBDOM))
        return;
    *consoles = calloc(1, sizeof(**consoles));
    if (!*consoles)
        abort();
    if (stub_consoles_start(*consoles, s->env->ctx, domain->domid))
        drop(s, domain);
}

static void domain_gone(void *state, struct service_domain *domain)
{
    drop(state, domain);
}

static void stop(void *state)
{
    struct stubdom_service *s = state;

    for (size_t i = 0; i < s->env->domains->count; i++)
        drop(s, s->env->domains->list[i]);
    free(s);
}

static int start(const struct service_env *env, void **state)
{
    struct stubdom_service *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    s->env = env;
    *state = s;
    return 0;
}

extern const struct service service_stubdom;
const struct service service_stubdom = {
    .name = "stubdom",
    .start = start,
    .stop = stop,
    .domain_appeared = domain_appeared,
    .domain_gone = domain_gone,
};
