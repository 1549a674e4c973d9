/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/service.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct service_domains *domains, uint32_t domid)
{
    size_t low = 0, high = domains->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (domains->list[middle]->domid < domid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct service_domain *service_domain_find(const struct service_domains *domains, uint32_t domid)
{
    size_t at = place_of(domains, domid);

    return at < domains->count && domains->list[at]->domid == domid ? domains->list[at] : NULL;
}

void service_domains_add(struct service_domains *domains, struct service_domain *domain)
{
    size_t at = place_of(domains, domain->domid);

    if (domains->count == domains->capacity) {
        domains->capacity = domains->capacity ? domains->capacity * 2 : 16;
        domains->list = reallocarray(domains->list, domains->capacity, sizeof(*domains->list));
        if (!domains->list)
            abort();
    }
    memmove(domains->list + at + 1, domains->list + at, (domains->count - at) * sizeof(*domains->list));
    domains->list[at] = domain;
    domains->count++;
}

void service_domains_remove(struct service_domains *domains, struct service_domain *domain)
{
    size_t at = place_of(domains, domain->domid);

    domains->count--;
    memmove(domains->list + at, domains->list + at + 1, (domains->count - at) * sizeof(*domains->list));
}

void service_domains_dispose(struct service_domains *domains)
{
    free(domains->list);
    *domains = (struct service_domains){0};
}
